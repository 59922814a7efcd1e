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
}

extension ServerUnderTest {
    func get(_ path: String) throws(ConformanceFailure) -> Answer {
        try exchange(Request(method: "GET", path: path), contentType: nil)
    }
}
