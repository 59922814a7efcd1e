// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// How a body may come, and what becomes of one that does not.
    static let bodies: ServerChecks =
        rules(
            "http/body", "4 H1", "A body is taken in whatever pieces it comes.",
            [
                ("byte-by-byte", .pieces(1)), ("small-pieces", .pieces(7)),
                ("chunks-of-one", .chunks(1)), ("chunks", .chunks(64)),
                ("one-chunk", .chunks(1 << 20)), ("chunks-byte-by-byte", .both),
            ] as [(String, Manner)]
        ) { device, manner in
            let operations = (UInt64(1)...3).map { device.operation($0, "n\($0)") }
            let request = device.request("/v1/push", device.pushRequest(operations))
            let connection = try device.server.connect()
            switch manner {
            case .pieces(let count):
                try connection.send(device.server.bytes(of: request), inPiecesOf: count)
            case .chunks(let count):
                try connection.send(device.server.chunkedBytes(of: request, chunk: count))
            case .both:
                try connection.send(
                    device.server.chunkedBytes(of: request, chunk: 5), inPiecesOf: 1)
            }
            try Settlement(Answer(request: request, response: connection.receive()))
                .expectAccepted([1: 1, 2: 2, 3: 3])
        }
        + rules(
            "http/cut-off", "4, 7 P4",
            "A request that is cut off stores nothing, and the server goes on.",
            [
                ("closed", (false, false)), ("reset", (true, false)),
                ("chunked-closed", (false, true)), ("chunked-reset", (true, true)),
            ]
        ) { device, row in
            let (isReset, isChunked) = row
            let request = device.request("/v1/push", device.pushRequest([device.operation(1, "n")]))
            let bytes =
                isChunked
                ? device.server.chunkedBytes(of: request, chunk: 50)
                : device.server.bytes(of: request)
            for count in stride(from: 0, to: bytes.count, by: 11) + [bytes.count - 1] {
                let connection = try device.server.connect()
                try connection.send(Array(bytes[..<count]))
                connection.close(isReset: isReset)
            }
            try device.expectNothingStored("cut-off requests were sent")
        }
        + [
            rule(
                "http/garbage", "4 H4",
                "What is no HTTP is refused or cut off, and the server goes on."
            ) {
                var numbers = $0.server.numbers(for: "garbage")
                for _ in 1...20 {
                    let connection = try $0.server.connect()
                    let count = Int.random(in: 1...300, using: &numbers)
                    try connection.send(numbers.bytes(count))
                    connection.close()
                }
                try $0.push([$0.operation(1, "n1")]).expectAccepted([1: 1])
            }
        ]

    private enum Manner: Sendable {
        case pieces(Int)
        case chunks(Int)
        case both
    }
}
