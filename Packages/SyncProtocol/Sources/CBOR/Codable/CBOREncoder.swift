// SPDX-License-Identifier: MIT

/// Encodes `Encodable` values in Core Deterministic Encoding (RFC 8949 §4.2.1): the same value
/// gives the same bytes, whatever order it encodes its properties in.
///
/// Structures are maps with the coding keys' text as keys, or their integers where they have some;
/// `[UInt8]` is a byte string; floats have the shortest form that keeps their value; integers
/// beyond 64 bits are big numbers (tags 2 and 3, §3.4.3). A property that is encoded twice counts
/// once, with its last value. A type that encodes nothing is an empty map.
///
/// Values are written as they are encoded: no tree is built.
public struct CBOREncoder: Sendable {
    /// How deep the output may nest; an outermost array or map has depth 1. Values are encoded by
    /// recursion, so this bounds the stack. In a `CBORValue`, and in what a form writes, tags count
    /// as they do for readers.
    public var maxDepth = 64

    /// The order that the keys of a map are put into.
    public var keyOrder = CBORKeyOrder.bytewise

    /// What text keys are made of.
    public var keyEncodingStrategy = KeyEncodingStrategy.useDefaultKeys

    /// What becomes of infinities and NaN, which CBOR has.
    public var nonConformingFloatEncodingStrategy = NonConformingFloatEncodingStrategy.native

    /// The types that do not stand as they encode themselves.
    public var forms: CBORForms

    /// Whether tag 55799 goes in front, which tells CBOR from other formats (RFC 8949 §3.4.6).
    public var writesSelfDescribedTag = false

    /// Handed on to the values.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// Makes an encoder with a depth of 64 and nothing to hand on.
    public init(forms: CBORForms = CBORForms()) {
        self.forms = forms
    }

    /// Encodes a value as one item.
    ///
    /// - Throws: `EncodingError.invalidValue` if it nests too deep, and whatever the value throws.
    public func encode(_ value: some Encodable) throws -> [UInt8] {
        let output = EncodingOutput()
        try encode(value, EncodingSession(self), to: output)
        return output.writer.bytes
    }

    /// Encodes values one after another (RFC 8742), with nothing around or between them. Memory
    /// grows with the output.
    ///
    /// - Throws: As `encode`; the path of an error in the n-th value begins with n.
    public func encodeSequence<Value: Encodable>(
        _ values: some Sequence<Value>
    ) throws -> [UInt8] {
        let output = EncodingOutput()
        let session = EncodingSession(self)
        for (index, value) in values.enumerated() {
            try encode(value, session, to: output, at: .index(index))
        }
        return output.writer.bytes
    }

    private func encode(
        _ value: some Encodable, _ session: EncodingSession, to output: EncodingOutput,
        at position: PositionKey? = nil
    ) throws {
        if writesSelfDescribedTag { output.writer.write(tag: .selfDescribed) }
        let root = ItemEncoder(session, output)
        root.component = position
        try root.encode(value)
        if let error = session.error { throw error }
    }
}

/// What the encoders of one `encode` have in common.
final class EncodingSession {
    let options: CBOREncoder
    /// Whether coding keys stand as they are.
    let usesDefaultKeys: Bool
    /// Set where the protocols give no way to throw; ends the encoding.
    var error: EncodingError?
    private var roles: TypeRoles

    init(_ options: CBOREncoder) {
        self.options = options
        roles = TypeRoles(options.forms)
        if case .useDefaultKeys = options.keyEncodingStrategy {
            usesDefaultKeys = true
        } else {
            usesDefaultKeys = false
        }
    }

    func role<T>(of type: T.Type) -> TypeRole { roles.role(of: type) }
}
