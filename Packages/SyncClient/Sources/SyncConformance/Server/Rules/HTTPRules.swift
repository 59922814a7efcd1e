// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire

extension ServerRules {
    /// H1 to H4.
    static let http: ServerChecks = [
        rule("http/content-type/absent", "4 H1", "Without Content-Type a body is taken as CBOR.") {
            let answer = try $0.server.exchange(
                $0.request("/v1/handshake", $0.handshakeRequest()), contentType: nil)
            _ = try answer.success()
        },
        rule(
            "http/content-encoding/identity", "4 H1", "Content-Encoding identity is taken."
        ) {
            let answer = try $0.server.exchange(
                $0.request("/v1/handshake", $0.handshakeRequest()),
                headers: ["Content-Encoding: identity"])
            _ = try answer.success()
        },
        rule(
            "http/content-encoding/other", "4 H1",
            "A Content-Encoding that no server takes is 415 with error 1."
        ) {
            for coding in ["br", "deflate", "x-unknown"] {
                let answer = try $0.server.exchange(
                    $0.request("/v1/push", $0.pushRequest([$0.operation(1, "n1")])),
                    headers: ["Content-Encoding: \(coding)"])
                try answer.refusal(1, 415)
            }
            try $0.expectNothingStored("415 was answered")
        },
        rule("http/content-type/other", "4 H1", "Any other Content-Type is 415 with error 1.") {
            for type in ["application/json", "text/plain", "application/cbor-seq", "cbor"] {
                let answer = try $0.server.exchange(
                    $0.request("/v1/push", $0.pushRequest([$0.operation(1, "n1")])),
                    contentType: type)
                try answer.refusal(1, 415)
            }
            try $0.expectNothingStored("415 was answered")
        },
        rule("http/path/unknown", "4 H3", "An unknown path is 404 with error 12.") {
            for path in ["/v1/none", "/v2/push", "/v1", "/v1/push/x"] {
                try $0.post(path, $0.pushRequest([$0.operation(1, "n1")])).refusal(12, 404)
                try $0.server.get(path).refusal(12, 404)
            }
            try $0.expectNothingStored("404 was answered")
        },
        rule("http/path/bytes", "4 H3", "Paths are compared byte for byte.") {
            for path in ["/V1/push", "/v1/Push", "/v1/push/", "/v1/%70ush", "//v1/push"] {
                try $0.post(path, $0.pushRequest([$0.operation(1, "n1")])).refusal(12, 404)
            }
            try $0.expectNothingStored("404 was answered")
        },
        rule("http/method/other", "4 H3", "A known path with another method is 405 with Allow.") {
            for endpoint in ["handshake", "push", "pull", "cursor"] {
                for method in ["GET", "PUT", "DELETE", "PATCH"] {
                    let body = method == "GET" ? [] : $0.handshakeRequest().encoded()
                    let answer = try $0.server.exchange(
                        Request(method: method, path: "/v1/\(endpoint)", body: body))
                    try answer.refusal(1, 405)
                    try answer.expect(
                        answer.header("allow").contains("POST"),
                        "Allow is \(answer.header("allow")).")
                }
            }
        },
        rule("http/keep-alive", "4 H4", "A connection stays open for further requests.") {
            let connection = try $0.server.connect()
            for number in 1...5 {
                let request = $0.request("/v1/handshake", $0.handshakeRequest())
                let answer = try $0.server.exchange(
                    request, as: $0.server.bytes(of: request), on: connection)
                _ = try answer.success()
                try answer.expect(
                    answer.response.isKeepAlive, "Answer \(number) ends the connection.")
            }
        },
        rule(
            "http/keep-alive/after-errors", "4 H4",
            "An answer with an error that concerns the message alone leaves the connection open."
        ) {
            let connection = try $0.server.connect()
            for message in [$0.pullRequest(["limit": 0]), $0.pullRequest(["sinceCursor": 9])] {
                let request = $0.request("/v1/pull", message)
                let answer = try $0.server.exchange(
                    request, as: $0.server.bytes(of: request), on: connection)
                try answer.expect(answer.status != 200, "The status is 200.")
            }
            let request = $0.request("/v1/pull", $0.pullRequest([:]))
            _ = try $0.server.exchange(
                request, as: $0.server.bytes(of: request), on: connection
            ).success()
        },
        rule(
            "http/pipelining", "4 H4",
            "Pipelined requests are answered in their order, each after the one before."
        ) {
            let connection = try $0.server.connect()
            var requests: [Request] = []
            for opID in UInt64(1)...10 {
                requests.append($0.request("/v1/push", $0.pushRequest([$0.operation(opID, "n")])))
                requests.append($0.request("/v1/pull", $0.pullRequest([:])))
                requests.append($0.request("/v1/pull", $0.pullRequest(["limit": 0])))
            }
            for request in requests { try connection.send($0.server.bytes(of: request)) }
            for (index, request) in requests.enumerated() {
                let answer = Answer(request: request, response: try connection.receive())
                switch index % 3 {
                // The first is accepted; the others were made on nothing and are in conflict.
                case 0:
                    try Settlement(answer).expect(
                        accepted: index == 0 ? [1] : [],
                        conflicts: index == 0 ? [] : [UInt64(index / 3 + 1)])
                case 1: try Page(answer).expect(cursors: [1])
                default: try answer.refusedAsMalformed()
                }
            }
        },
        rule(
            "http/pipelining/waiting", "4 H4, 8.3 L7",
            "A request behind a pull that waits is answered after it."
        ) {
            let connection = try $0.server.connect()
            let wait = $0.request("/v1/pull", $0.pullRequest(["waitMs": 30_000]))
            let next = $0.request("/v1/cursor", $0.cursorRequest(0))
            try connection.send($0.server.bytes(of: wait) + $0.server.bytes(of: next))
            try $0.write(1, "n1")
            try Page(Answer(request: wait, response: connection.receive())).expect(cursors: [1])
            _ = try Answer(request: next, response: connection.receive()).success().uint("cursor")
        },
    ]

    /// H4: what could be read in two ways.
    static let ambiguity: ServerChecks =
        rules(
            "http/ambiguous", "4 H4",
            "What could be read in two ways is 400, and the connection ends; nothing is stored.",
            [
                ("two-lengths", ["Host: h", "Content-Length: LENGTH", "Content-Length: 1"]),
                (
                    "length-and-chunked",
                    ["Host: h", "Content-Length: LENGTH", "Transfer-Encoding: chunked"]
                ),
                ("folded", ["Host: h", "X-A: b", " c: d", "Content-Length: LENGTH"]),
                ("blank-before-colon", ["Host: h", "Content-Length : LENGTH"]),
                ("no-host", ["Content-Length: LENGTH"]),
                ("two-hosts", ["Host: h", "Host: i", "Content-Length: LENGTH"]),
                ("bare-cr", ["Host: h", "X-A: b\rX-B: c", "Content-Length: LENGTH"]),
                ("bare-lf", ["Host: h", "X-A: b\nX-B: c", "Content-Length: LENGTH"]),
                ("signed-length", ["Host: h", "Content-Length: +LENGTH"]),
            ]
        ) { device, headers in
            let request = device.request("/v1/push", device.pushRequest([device.operation(1, "n")]))
            let lines = ["POST \(device.server.address.path)/v1/push HTTP/1.1"] + headers
            let head = lines.joined(separator: "\r\n") + "\r\n\r\n"
            let length = "\(request.body.count)"
            try expectRefusedAndClosed(
                device, request, Array(replacing("LENGTH", length, in: head).utf8) + request.body)
        }
        + rules(
            "http/ambiguous/chunk-size", "4 H4",
            "A chunk size that is not plain hexadecimal is 400, and the connection ends.",
            [("prefixed", "0x"), ("signed", "+"), ("blank", " "), ("none", "g")]
        ) { device, prefix in
            let request = device.request("/v1/push", device.pushRequest([device.operation(1, "n")]))
            let head = device.server.head(of: request, ["Transfer-Encoding: chunked"])
            let size = prefix + String(request.body.count, radix: 16) + "\r\n"
            try expectRefusedAndClosed(
                device, request,
                head + Array(size.utf8) + request.body + Array("\r\n0\r\n\r\n".utf8))
        }

    private static func expectRefusedAndClosed(
        _ device: Device, _ request: Request, _ bytes: [UInt8]
    ) throws {
        let connection = try device.server.connect()
        var request = request
        request.manner = "as described"
        let answer = try device.server.exchange(request, as: bytes, on: connection)
        try answer.expect(answer.status == 400, "The status is \(answer.status) instead of 400.")
        try answer.refusedAsMalformed()
        if let next = try connection.receiveUntilBroken() {
            throw Answer(request: request, response: next).failure("A second answer followed.")
        }
        try device.expectNothingStored("the request was refused")
    }

    private static func replacing(_ name: String, _ value: String, in text: String) -> String {
        text.split(separator: name, omittingEmptySubsequences: false).joined(separator: value)
    }
}
