// SPDX-License-Identifier: MIT

import HTTPWire
import SyncProtocol

/// The server's version, as it names itself.
package let serverVersion = "0.1.0"

/// The endpoints for people, load balancers and scripts, in JSON.
enum StatusPage {
    /// `GET /health`: the process answers.
    static let health = json(200, #"{"status":"ok"}"#)

    /// `GET /v1/version`.
    static let version = json(
        200,
        #"{"version":\#(syncProtocolVersion),"minSupported":\#(syncProtocolVersion),"#
            + #""server":"entitysync-server/\#(serverVersion)"}"#)

    /// `GET /ready`: 200 if every log that is in use is writable, else 503. Databases that were
    /// found damaged are counted, but as a restart does not help them, they do not count.
    static func ready(_ status: ServiceStatus) -> HTTPResponse {
        json(
            status.isReady ? 200 : 503,
            #"{"ready":\#(status.isReady),"databases":\#(status.databases),"#
                + #""damaged":\#(status.damaged),"readOnly":\#(status.readOnly)}"#)
    }

    /// `GET /v1/stats`.
    static func stats(_ databases: [JSONValue]) -> HTTPResponse {
        json(200, JSONValue.object([.init("databases", .array(databases))]).line)
    }

    /// `GET /metrics`.
    static func metrics(_ text: String) -> HTTPResponse {
        HTTPResponse(
            status: 200,
            headers: [
                "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
                "Cache-Control": "no-store",
            ], body: Array(text.utf8))
    }

    private static func json(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: ["Content-Type": "application/json", "Cache-Control": "no-store"],
            body: Array((text + "\n").utf8))
    }
}
