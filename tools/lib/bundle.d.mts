/** Types of bundle.mjs for the tests in TypeScript. */
export function bundleIsFresh(root: string): boolean;
export function entryPoint(root: string): string;
export function ensureBundle(root: string): Promise<boolean>;
export function bundleFiles(root: string): Set<string>;
