/** How deep a JSON log format may nest. */
export const MAX_JSON_DEPTH = 64;
