// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// Section 10.
    static let status: ServerChecks = [
        .init("status/health", "10", "GET /health is 200 with JSON whose status is ok.") { server in
            let answer = try server.exchange(
                Request(method: "GET", path: "/health"), contentType: nil)
            try answer.expect(answer.status == 200, "The status is \(answer.status).")
            try answer.expectJSON(containing: #""status":"ok""#)
        }
    ]
}
