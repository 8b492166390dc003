// What the parts of an image's reference may be. Pure.

/** OCI distribution-spec, "Pulling manifests": <name>. No `..`, no `//`, no upper case. */
const repositorySyntax = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
/** The same, <reference> as a tag. */
const tagSyntax = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Whether this is a repository's path, without the registry's address. */
export const isRepositoryPath = (text: string): boolean => repositorySyntax.test(text);

export const isTag = (text: string): boolean => tagSyntax.test(text);
