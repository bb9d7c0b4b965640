export declare const ENVOY_VERSION: string
export declare function toolNames(): string[]
export declare function ensureTool(name: string, options: { install: boolean }): { path: string | null; reason: string }
