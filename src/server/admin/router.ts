import type { AdminHandler, AdminRequest, AdminResponse } from '../../contract/admin.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Logger } from '../../contract/logger.ts';
import { LOG_ERROR, LOG_INFO } from '../../contract/logger.ts';

/** Finds the page for a request. Knows nothing of HTTP connections. */
export class AdminRouter {
  private readonly handlers = new Map<string, AdminHandler>();
  private readonly logger: Logger;
  private readonly allowPaths: readonly ((path: string) => boolean)[];

  /** `allowPaths`: `admin.allow_paths`; empty = all are allowed. */
  constructor(logger: Logger, allowPaths: readonly ((path: string) => boolean)[]) {
    this.logger = logger;
    this.allowPaths = allowPaths;
  }

  /** The last one for a path wins. */
  add(handler: AdminHandler): void {
    this.handlers.set(handler.path, handler);
  }

  /** All pages by path. */
  get sorted(): readonly AdminHandler[] {
    return [...this.handlers.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Answers a request; `pathAndQuery` as on the wire. Errors of a page become a 500 with its message. */
  dispatch(method: string, pathAndQuery: string, headers: HeaderMap, body: string): AdminResponse {
    if (this.allowPaths.length > 0 && !this.allowPaths.some((allows) => allows(pathAndQuery))) {
      this.logger.log(LOG_INFO, `Request to admin interface path ${pathAndQuery} is not allowed`);
      return { status: 403, body: `request to path ${pathAndQuery} not allowed` };
    }
    const question = pathAndQuery.indexOf('?');
    const path = question < 0 ? pathAndQuery : pathAndQuery.slice(0, question);
    const handler = this.handlers.get(path);
    if (handler === undefined) return { status: 404, body: `invalid path. ${this.helpText()}` };
    if (handler.mutates && method !== 'POST') {
      this.logger.log(LOG_ERROR, `admin path "${path}" mutates state, method=${method} rather than POST`);
      return { status: 405, body: `Method ${method} not allowed, POST required.` };
    }
    const query = new URLSearchParams(question < 0 ? '' : pathAndQuery.slice(question + 1));
    const request: AdminRequest = { method, path, query, headers, body };
    try {
      return handler.handle(request);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.logger.log(LOG_ERROR, `admin path "${path}" failed: ${error instanceof Error ? (error.stack ?? message) : message}`);
      return { status: 500, body: `${message}\n` };
    }
  }

  /** `/help`. */
  helpText(): string {
    let text = 'admin commands are:\n';
    for (const handler of this.sorted) {
      text += `  ${handler.path}${handler.mutates ? ' (POST)' : ''}: ${handler.help}\n`;
      for (const parameter of handler.parameters) text += `      ${parameter.id}: ${parameter.help}\n`;
    }
    return text;
  }
}

/** A parameter with a fixed set of values, described as Envoy does. */
export function choice(id: string, help: string, values: readonly string[]): { id: string; help: string } {
  return { id, help: `${help}; One of (${values.join(', ')})` };
}

export const JSON_TYPE = 'application/json';
