// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
@_spi(Simulation) import SyncClient
import SyncProtocol
@_spi(Simulation) import SyncServer
import SyncTestSupport

// What is no request, and requests in other clothes.
extension Stranger {
    /// The bytes of a request in one of the forms that HTTP allows.
    static func wireBytes(
        of request: SyncRequest, using chance: inout SeededGenerator
    ) -> [UInt8] {
        guard chance.chance(50) else { return request.wireBytes }
        var rest = request.body[...]
        var text = Array(
            ("\r\nPOST \(request.path) HTTP/1.1\r\nHOST: server\r\n"
                + "content-type:application/cbor\r\nTransfer-Encoding:\t chunked \r\n\r\n").utf8)
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 1...400, using: &chance))
            rest = rest.dropFirst(part.count)
            let size = String(part.count, radix: 16, uppercase: chance.chance(50))
            text += Array((size + (chance.chance(20) ? ";a=b" : "") + "\r\n").utf8)
            text += Array(part) + [13, 10]
        }
        return text + Array("0\r\n\(chance.chance(20) ? "A: b\r\n" : "")\r\n".utf8)
    }

    /// Something that looks like a request and is none.
    static func garbage(
        from request: SyncRequest, using chance: inout SeededGenerator
    ) -> [UInt8] {
        var body = request.body
        switch chance.oneOf([0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]) {
        case 0: body.removeLast(Int.random(in: 1...body.count, using: &chance))
        case 1: body.append(0xf6)
        // A reserved head, a string without an end, and what nests too deep.
        case 2: body[0] = 0x1c
        case 3: body = wrapped(body, key: "x", [0x7b] + [UInt8](repeating: 0xff, count: 8))
        case 4: body = wrapped(body, key: "x", [UInt8](repeating: 0x81, count: 40) + [0])
        case 5: body = wrapped(body, key: "dbId", [0x61, 0x61])
        case 6: return bytes(request.path, "Content-Length: \(body.count)\r\n", body)
        case 7: return bytes(request.path, "Transfer-Encoding: chunked\r\n", body)
        default: return bytes(request.path, "Content-Type : application/cbor\r\n", body)
        }
        return bytes(request.path, "", body)
    }

    /// Pushes whose shape is wrong, as their values may be.
    static func misshapen(
        _ push: PushRequest, using chance: inout SeededGenerator
    ) -> PushRequest? {
        guard var first = push.operations.first else { return nil }
        var push = push
        let kind = chance.oneOf([0, 1, 2, 3])
        switch kind {
        case 0: push.operations.append(push.operations[push.operations.count - 1])
        case 1: push.operations[0].deviceID = "somebody"
        case 2: push.operations[0].databaseID = "another"
        default:
            first.transactionID = 7
            var (second, third) = (first, first)
            second.operationID = first.operationID.next
            second.transactionID = nil
            third.operationID = second.operationID.next
            push.operations = [first, second, third]
        }
        return push
    }

    /// Gives an operation a value that no server takes.
    static func spoil(_ operation: inout SyncOperation, using chance: inout SeededGenerator) {
        switch chance.oneOf([0, 1, 2, 3, 4, 5]) {
        case 0: operation.collection = "_local"
        case 1: (operation.kind, operation.entityCBOR) = (.upsert, nil)
        case 5: (operation.kind, operation.entityCBOR) = (.delete, [0xf6])
        case 2: (operation.base, operation.baseOperationID) = (1, 1)
        case 3: (operation.kind, operation.entityCBOR) = (.upsert, [0x82, 0x40])
        default: (operation.kind, operation.entityCBOR) = (.upsert, [0x81, 0x40, 0x40])
        }
    }

    static func bytes(_ path: String, _ field: String, _ body: [UInt8]) -> [UInt8] {
        let head =
            "POST \(path) HTTP/1.1\r\nHost: server\r\nContent-Type: application/cbor\r\n\(field)"
            + "Content-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }

    /// A message with one more entry behind the others.
    private static func wrapped(_ body: [UInt8], key: String, _ value: [UInt8]) -> [UInt8] {
        var writer = CBORWriter()
        writer.write(text: key)
        return [body[0] + 1] + body.dropFirst() + writer.bytes + value
    }
}

extension ServerHost {
    /// Takes bytes that are no request, on a connection of their own. They are refused at once, and
    /// nothing else happens.
    func take(garbage bytes: [UInt8], using chance: inout SeededGenerator) throws {
        guard let core, !disk.isHalted else { return }
        let connection = core.accept()
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...600, using: &chance))
            rest = rest.dropFirst(piece.count)
            core.receive(Array(piece), on: connection)
        }
        let answer = core.takeOutput(of: connection).bytes
        core.abort(connection)
        var parser = HTTPResponseParser()
        parser.append(answer)
        guard case .response(let response) = parser.next(), (400..<500).contains(response.status),
            let error = try? ErrorResponse(decoding: response.body), error.code == .invalidRequest
        else {
            throw SimulationFailure(
                .answersFollowTheRules,
                "what is no request is answered \(String(decoding: answer, as: UTF8.self)): "
                    + "\(String(decoding: bytes, as: UTF8.self))")
        }
    }
}
