// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire

extension ServerRules {
    /// Section 10.
    static let status: ServerChecks = [
        .init("status/health", "10", "GET /health is 200 with JSON whose status is ok.") { server in
            let answer = try server.get("/health")
            try answer.expect(answer.status == 200, "The status is \(answer.status).")
            try answer.expectJSON(containing: #""status":"ok""#)
        },
        .init("status/ready", "10", "GET /ready is 200 or 503 with JSON.") { server in
            let answer = try server.get("/ready")
            try answer.expect(
                answer.status == 200 || answer.status == 503, "The status is \(answer.status).")
            try answer.expectJSON()
        },
        .init("status/version", "10", "GET /v1/version names the versions that are spoken.") {
            let answer = try $0.get("/v1/version")
            try answer.expect(answer.status == 200, "The status is \(answer.status).")
            try answer.expectJSON(
                containing: #""version":1"#, #""minSupported":1"#, #""server":""#)
        },
        .init("status/head", "10", "HEAD is answered like GET, without a body.") { server in
            for path in ["/health", "/ready", "/v1/version"] {
                let request = Request(method: "HEAD", path: path)
                let connection = try server.connect(isHead: true)
                let bytes = server.bytes(of: request, contentType: nil)
                // Two on one connection: a body would be taken for the second answer.
                for _ in 1...2 {
                    let answer = try server.exchange(request, as: bytes, on: connection)
                    try answer.expect(
                        answer.status == 200 || answer.status == 503,
                        "The status is \(answer.status).")
                }
                connection.close()
            }
        },
        .init(
            "status/unknown-method", "4 H3", "POST to a status endpoint is 405 with Allow."
        ) { server in
            for path in ["/health", "/ready", "/v1/version"] {
                let answer = try server.exchange(Request(method: "POST", path: path))
                try answer.refusal(1, 405)
                try answer.expect(
                    answer.header("allow").contains("GET"), "Allow is \(answer.header("allow")).")
            }
        },
    ]

    /// Section 15: what this version reserves.
    static let live: ServerChecks = [
        reserved("sse", "live/events", "/v1/events?dbId=d&deviceId=a"),
        reserved("webSocket", "live/socket", "/v1/ws"),
        .init(
            "live/announced", "15", "A server that announces sse or webSocket serves them."
        ) { server in
            let capabilities = try server.makeDevice().shakeHands().map("capabilities")
            for key in ["sse", "webSocket"] where capabilities[key] == true {
                throw ConformanceSkip("It announces \(key), which this suite has no checks for.")
            }
            throw ConformanceSkip("Its capabilities name neither sse nor webSocket.")
        },
        .init("live/deltas", "16", "Deltas in pushes and pulls.") { _ in
            throw ConformanceSkip("Pushes and pulls of version 1 carry no deltas.")
        },
    ]

    private static func reserved(
        _ capability: String, _ name: String, _ path: String
    ) -> ConformanceSuite<ServerUnderTest>.Entry {
        .init(
            "\(name)/not-served", "15",
            "A server whose capabilities do not name \(capability) answers 404 with error 12."
        ) { server in
            let capabilities = try server.makeDevice().shakeHands().map("capabilities")
            guard capabilities[capability] != true else {
                throw ConformanceSkip("Its capabilities name \(capability).")
            }
            try server.get(path).refusal(12, 404)
        }
    }
}

extension ServerUnderTest {
    func get(_ path: String) throws(ConformanceFailure) -> Answer {
        try exchange(Request(method: "GET", path: path), contentType: nil)
    }
}
