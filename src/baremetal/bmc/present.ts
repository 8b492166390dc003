// Drops what is undefined: the way to build objects whose fields are there or not.

/** `object` without its undefined members. */
export function present<T extends object>(object: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
