/** A message seen as what it is at run time: an object with fields by name. For code that works over descriptors. */
export type MessageFields = Record<string, unknown>;
