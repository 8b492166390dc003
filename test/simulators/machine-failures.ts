// Errors in the shape of ironic_python_agent/errors.py: type, code, message and details, with its own texts.

export interface AgentFailure {
  readonly type: string;
  readonly code: number;
  readonly message: string;
  readonly details: string;
  readonly status: 'FAILED' | 'CLEAN_VERSION_MISMATCH';
}

/** `message` of the classes in errors.py. */
const messages = {
  CommandExecutionError: [500, 'Command execution failed'],
  InvalidCommandParamsError: [400, 'Invalid command parameters'],
  ImageDownloadError: [500, 'Error downloading image'],
  ImageDownloadFatalError: [500, 'Error downloading image'],
  ImageChecksumError: [500, 'Error verifying image checksum'],
  ImageWriteError: [500, 'Error writing image to device'],
  DeviceNotFound: [404, 'Error finding the disk or partition device to deploy the image onto'],
  DeploymentError: [500, 'Deploy step failed'],
  HardwareManagerMethodNotFound: [500, 'No HardwareManager found to handle method'],
  VersionMismatch: [409, 'Hardware managers version mismatch, reload agent with correct version'],
} as const;

type FailureType = keyof typeof messages;

/** An Error that a command throws, and that `failureOf` takes apart. */
export const failure = (type: FailureType, details: string): Error & { readonly agent: FailureType } =>
  Object.assign(new Error(details), { agent: type });

/** Anything but the agent's own errors is a CommandExecutionError with its text (extensions/base.py, AsyncCommandResult.run). */
export function failureOf(error: unknown): AgentFailure {
  const details = error instanceof Error ? error.message : String(error);
  const type: FailureType = isFailure(error) ? error.agent : 'CommandExecutionError';
  const [code, message] = messages[type];
  const status = type === 'VersionMismatch' ? 'CLEAN_VERSION_MISMATCH' : 'FAILED';
  return { type, code, message, details, status };
}

const isFailure = (error: unknown): error is Error & { readonly agent: FailureType } =>
  error instanceof Error && 'agent' in error;
