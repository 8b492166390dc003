// Times as the API server wants them.

/** metav1.Time: whole seconds. */
export const timestamp = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;

/** metav1.MicroTime: always six digits. */
export const microTime = (time: Date): string => time.toISOString().replace('Z', '000Z');
