// Configurations of the process tests, as text.

/** What a test wants in front of its origin. */
export interface EdgeOptions {
  readonly adminPort: number
  readonly port: number
  readonly originPort: number
  /** File of the access log; none by default. */
  readonly accessLog?: string
  /** More lines of the connection manager, each indented by 14 spaces. */
  readonly managerLines?: string
}

/** One listener that proxies everything to one static cluster; `/direct` is answered by the proxy itself. */
export function edgeConfig(options: EdgeOptions): string {
  const log =
    options.accessLog === undefined
      ? ''
      : `
              access_log:
                - name: envoy.access_loggers.file
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                    path: ${options.accessLog}
                    log_format: { text_format_source: { inline_string: "%REQ(:PATH)% %RESPONSE_CODE%\\n" } }`
  return `
admin:
  address: { socket_address: { address: 127.0.0.1, port_value: ${options.adminPort} } }
static_resources:
  listeners:
    - name: edge
      address: { socket_address: { address: 127.0.0.1, port_value: ${options.port} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: edge${log.replaceAll('\n  ', '\n    ')}
                route_config:
                  name: routes
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                        - match: { path: /direct }
                          direct_response: { status: 200, body: { inline_string: direct } }
                        - match: { prefix: / }
                          route: { cluster: origin }
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
    - name: origin
      type: STATIC
      connect_timeout: 1s
      load_assignment:
        cluster_name: origin
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${options.originPort} } } }
`
}

/** Nothing but admin. */
export function adminConfig(adminPort: number): string {
  return `admin: { address: { socket_address: { address: 127.0.0.1, port_value: ${adminPort} } } }\n`
}
