// SPDX-License-Identifier: MIT

public import CBOR

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension CBORForms {
    /// The forms of Foundation's types: `Data` is a byte string, a `Date` tag 1, a `UUID` tag 37, a
    /// `URL` tag 32, and a `Decimal` tag 4.
    public static let foundation = CBORForms.foundation()

    /// The forms of Foundation's types, with others for dates and UUIDs.
    public static func foundation(
        dates: CBORForm<Date> = .epoch, uuids: CBORForm<UUID> = .tagged
    ) -> CBORForms {
        var forms = CBORForms()
        forms[Data.self] = .bytes
        forms[Date.self] = dates
        forms[UUID.self] = uuids
        forms[URL.self] = .tagged
        forms[Decimal.self] = .decimalFraction
        return forms
    }
}

extension CBORDecoder {
    /// Decodes a value that is the whole of `data`. Offsets in errors count from its start.
    public func decode<T: Decodable>(_ type: T.Type = T.self, from data: Data) throws -> T {
        try data.withUnsafeBytes { try decode(type, from: $0) }
    }
}

extension CBORForm where Value == Data {
    /// A byte string. An array of numbers, which is what `Data` encodes itself as, is read too.
    public static let bytes = CBORForm(
        write: { data, writer in data.withUnsafeBytes { writer.write(bytes: $0) } },
        read: { reader in
            guard try reader.peekType() == .array else {
                return Data(try reader.readLentBytes())
            }
            var data = Data()
            try reader.readArray { reader, _ throws(CBORError) in
                data.append(try reader.readInteger(UInt8.self))
            }
            return data
        })
}

extension CBORForm where Value == URL {
    /// Text with tag 32 (RFC 8949 §3.4.5.3). Text without a tag is read too.
    public static let tagged = CBORForm(
        write: { url, writer in
            writer.write(tag: .uri)
            writer.write(text: url.absoluteString)
        },
        read: { reader in
            try reader.readTagIfPresent(.uri)
            let start = reader.offset
            let text = try reader.readText()
            guard let url = URL(string: text) else {
                throw CBORError(.invalidValue, at: start, message: "The text is no URL.")
            }
            return url
        })
}

extension CBORForm where Value == UUID {
    /// 16 bytes with tag 37. What `text` writes is read too.
    public static let tagged = CBORForm(
        write: { uuid, writer in
            writer.write(tag: .uuid)
            withUnsafeBytes(of: uuid.uuid) { writer.write(bytes: $0) }
        },
        read: { reader in try readUUID(&reader) })

    /// Text such as `E621E1F8-C36C-495A-93FC-0C247A3E6E5F`, as in JSON. What `tagged` writes is
    /// read too.
    public static let text = CBORForm(
        write: { uuid, writer in writer.write(text: uuid.uuidString) },
        read: { reader in try readUUID(&reader) })

    private static func readUUID(_ reader: inout CBORReader) throws -> UUID {
        let start = reader.offset
        if try reader.peekType() == .text {
            guard let uuid = UUID(uuidString: try reader.readText()) else {
                throw CBORError(.invalidValue, at: start, message: "The text is no UUID.")
            }
            return uuid
        }
        guard try reader.readTagIfPresent(.uuid) else {
            throw CBORError(
                .wrongType, at: start, message: "Expected a UUID, with tag 37 or as text.")
        }
        let content = reader.offset
        let bytes = try reader.readLentBytes()
        guard bytes.count == 16 else {
            throw CBORError(
                .invalidValue, at: content,
                message: "A UUID has 16 bytes, and here are \(bytes.count).")
        }
        return UUID(uuid: bytes.loadUnaligned(as: uuid_t.self))
    }
}
