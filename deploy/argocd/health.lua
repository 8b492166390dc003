-- How Argo CD judges any kind of undercloud.dev: by Ready, Stalled and Reconciling, if they speak of the spec that is there now.
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions.Ready

if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "not looked at yet" }
end
if ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
if conditions.Stalled ~= nil and conditions.Stalled.status == "True" then
  return { status = "Degraded", message = ready.message }
end
if conditions.Reconciling ~= nil and conditions.Reconciling.status == "True" then
  return { status = "Progressing", message = ready.message }
end
-- Neither at work nor stuck: somebody said to leave it alone.
return { status = "Suspended", message = ready.message }
