/** Types of runtime.mjs for the tests in TypeScript. */
export const root: string;
export const MINIMUM_NODE: number;
export function pinnedNodePath(): string | null;
export function nodeMajor(executable: string): number;
export function ensureRuntime(): string;
export function dependenciesInstalled(folder: string, withDevelopment: boolean): boolean;
export function ensureDependencies(options: { development: boolean }): void;
export function environmentWith(executable: string): Record<string, string | undefined>;
