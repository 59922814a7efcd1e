// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

/// The published vectors of the messages, both directions.
@Suite struct MessageVectorTests {
    private static let exact = MessageVector.all(.exact)
    private static let accept = MessageVector.all(.accept)
    private static let reject = MessageVector.all(.reject)

    private func decode(_ vector: MessageVector) throws -> DecodedMessage {
        let decode = try #require(messageCodecs[vector.message], "No message is named so.")
        return try decode(vector.bytes)
    }

    private func error(_ vector: MessageVector) throws -> CBORError? {
        let decode = try #require(messageCodecs[vector.message], "No message is named so.")
        do throws(CBORError) {
            _ = try decode(vector.bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: MessageVector.fileNames)
    func keepsTheFormatOfVectorFiles(_ name: String) throws {
        let entries = try TestVectors.load(name)

        #expect(entries.map(\.id) == MessageVector.files[name]?.map(\.id))
    }

    @Test func coversEveryMessageInEveryKind() {
        for message in messageCodecs.keys {
            for vectors in [Self.exact, Self.accept, Self.reject] {
                #expect(vectors.contains { $0.message == message }, "\(message)")
            }
        }
    }

    @Test(arguments: exact)
    func exactBytesGiveTheValueAndComeBack(_ vector: MessageVector) throws {
        let decoded = try decode(vector)
        let tree = try CBORValue(
            decoding: vector.bytes,
            limits: CBORLimits(maxDepth: CBORValue.maxDepth, requiresDeterministic: true))

        if let value = vector.value { #expect(decoded.json == value) }
        #expect(hexText(decoded.encoded) == vector.hex)
        #expect(tree.diagnosticNotation == vector.diagnostic)
    }

    @Test(arguments: accept)
    func otherFormsGiveTheExactSibling(_ vector: MessageVector) throws {
        let sibling = try #require(
            Self.exact.first {
                $0.id == vector.exact && $0.message == vector.message
            })

        let decoded = try decode(vector)

        #expect(decoded.json == vector.value)
        #expect(decoded.json == sibling.value)
        #expect(hexText(decoded.encoded) == sibling.hex)
        #expect(vector.id.hasPrefix(sibling.id + "/"))
        #expect(vector.hex != sibling.hex)
    }

    @Test(arguments: reject)
    func rejectsWithTheCodeThePathAndTheOffset(_ vector: MessageVector) throws {
        let error = try error(vector)

        #expect(error?.code.rawValue == vector.error)
        #expect(error?.offset == vector.offset)
        #expect(error?.pathText == vector.path ?? "")
    }

    @Test(arguments: (exact + accept + reject).filter { !$0.diagnostic.isEmpty })
    func showsTheBytesAsTheyAreEncoded(_ vector: MessageVector) throws {
        let text = try CBORDiagnostic.text(
            of: vector.bytes, limits: CBORLimits(maxDepth: CBORValue.maxDepth))

        #expect(text == vector.diagnostic)
    }

    /// Decoding takes every operation; what a server rejects alone is a matter of values.
    @Test(arguments: exact.filter { $0.message == "operation" })
    func judgesTheValuesOfOperations(_ vector: MessageVector) throws {
        let operation = try SyncOperation(decoding: vector.bytes)

        let violation = operation.violation(maxEntityBytes: 1 << 20)

        #expect(violation?.code.rawValue == vector.rejection)
    }

    @Test(arguments: exact.filter { $0.hex.utf8.count < 1_000 })
    func rejectsEveryTruncation(_ vector: MessageVector) throws {
        for length in 0..<vector.bytes.count {
            var part = vector
            part.hex = String(vector.hex.prefix(2 * length))

            let error = try error(part)

            #expect(error?.code == .truncated && error?.offset == length, "\(length) bytes")
        }
    }

    @Test(arguments: exact)
    func rejectsAByteAfterTheMessage(_ vector: MessageVector) throws {
        var longer = vector
        longer.hex += "00"

        let error = try error(longer)

        #expect(error?.code == .trailingBytes)
        #expect(error?.offset == vector.bytes.count)
    }
}

extension CBORError {
    /// The path as the vectors write it: `ops[1].opId`.
    var pathText: String {
        path.reduce("") { text, component in
            text.isEmpty || component.utf8.first == UInt8(ascii: "[")
                ? text + component : text + "." + component
        }
    }
}
