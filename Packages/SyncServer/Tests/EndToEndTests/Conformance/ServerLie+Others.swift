// SPDX-License-Identifier: MIT

import CBOR

extension ServerLie {
    /// What a server can get wrong about the rest.
    static let others: [ServerLie] = [
        ServerLie("writes keys in any order", "encoding/deterministic/answers") { request, server in
            var reply = try server(request)
            if let message = reply.body.message { reply.body = reversed(message) }
            return reply
        },
        ServerLie("writes errors in any order", "encoding/deterministic/errors") {
            request, server in
            var reply = try server(request)
            if reply.status != 200, let message = reply.body.message {
                reply.body = reversed(message)
            }
            return reply
        },
        ServerLie("calls bad CBOR 422", "encoding/refused/truncated", changing(400, to: 422)),
        ServerLie("calls it all conflict", "database/unknown/pull", changing(404, to: 409)),
        ServerLie("has 200 for another log", "database/other-log/pull", changing(409, to: 200)),
        ServerLie(
            "does not look at logId", "database/other-log/push",
            changingRequests("push") { $0["logId"] = nil }),
        ServerLie("makes databases by a push", "database/unknown/push") { request, server in
            let reply = try server(request)
            guard request.target == "/v1/push", reply.status == 404,
                let message = request.body.message
            else { return reply }
            var handshake = CBORMap.of(["clientInfo": ["platform": "p", "appVersion": "1"]])
            for key in ["dbId", "deviceId"] { handshake[key] = message[key] }
            var first = request
            first.target = "/v1/handshake"
            first.body = handshake.encoded
            _ = try server(first)
            return try server(request)
        },
        ServerLie(
            "speaks any version", "handshake/version/future",
            changingRequests("handshake") { $0["protocolVersion"] = 1 }),
        ServerLie(
            "counts what was refused", "handshake/last-op-id",
            changingAnswers("handshake") { answer in
                if answer["lastOpId"] == 7 { answer["lastOpId"] = 9 }
            }),
        ServerLie(
            "has one log for all", "handshake/other-databases-log",
            changingAnswers("handshake") {
                $0["logId"] = .bytes([UInt8](repeating: 1, count: 16))
            }),
        ServerLie(
            "lets reports lower the cursor", "cursor/never-lowered",
            changingAnswers("cursor") { answer, request in answer["cursor"] = request["cursor"] }),
        ServerLie("does not mind case in paths", "http/path/bytes") { request, server in
            var request = request
            request.target = request.target.lowercased()
            return try server(request)
        },
        ServerLie("takes any type for CBOR", "http/content-type/other") { request, server in
            var request = request
            request.contentType = "application/cbor"
            return try server(request)
        },
        ServerLie("tells what was sent in errors", "errors/no-content") { request, server in
            var reply = try server(request)
            guard reply.status == 400, var message = reply.body.message else { return reply }
            message["message"] = .text(String(decoding: request.body, as: UTF8.self))
            reply.body = message.encoded
            return reply
        },
        ServerLie(
            "says nothing about which limit", "limits/push-ops"
        ) { request, server in
            var reply = try server(request)
            guard reply.status == 413, var message = reply.body.message else { return reply }
            message["details"] = nil
            reply.body = message.encoded
            return reply
        },
        ServerLie("serves nothing but CBOR", "status/health") { request, server in
            var reply = try server(request)
            reply.contentType = "application/cbor"
            return reply
        },
    ]

    /// The map with its keys in the opposite order.
    private static func reversed(_ map: CBORMap) -> [UInt8] {
        var writer = CBORWriter()
        writer.writeMapHeader(count: map.count)
        for (key, value) in map.reversed() {
            key.encode(to: &writer)
            value.encode(to: &writer)
        }
        return writer.bytes
    }
}
