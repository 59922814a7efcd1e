// SPDX-License-Identifier: MIT

/// How the values of a type stand in CBOR, where that is not what their `Codable` conformance says.
///
///     var forms = CBORForms()
///     forms[Color.self] = CBORForm(
///         write: { color, writer in writer.write(uint: color.rgb) },
///         read: { reader in Color(rgb: try reader.readUInt()) })
///     let encoder = CBOREncoder(forms: forms)
///
/// A type of one's own says the same with `CBORConvertible`. A form is for types of others, and for
/// forms that differ from one coder to another.
public struct CBORForm<Value>: Sendable {
    /// One direction, straight to and from the bytes or through the containers of `Codable`.
    enum Encoding {
        case item(@Sendable (Value, inout CBORWriter) throws -> Void)
        case containers(@Sendable (Value, any Encoder) throws -> Void)
    }

    enum Decoding {
        case item(@Sendable (inout CBORReader) throws -> Value)
        case containers(@Sendable (any Decoder) throws -> Value)
    }

    let encoding: Encoding
    let decoding: Decoding

    /// Makes a form that is written and read item by item, which is the fastest.
    ///
    /// - Parameters:
    ///   - write: Writes exactly one item. The encoder reports a `CBORError` as an
    ///     `EncodingError`, and passes on other errors.
    ///   - read: Reads exactly one item. The decoder reports a `CBORError` as a `DecodingError` of
    ///     the kind that fits its code, and other errors as corrupted data.
    public init(
        write: @escaping @Sendable (Value, inout CBORWriter) throws -> Void,
        read: @escaping @Sendable (inout CBORReader) throws -> Value
    ) {
        encoding = .item(write)
        decoding = .item(read)
    }

    /// Makes a form of the containers that `Codable` types use.
    public init(
        encode: @escaping @Sendable (Value, any Encoder) throws -> Void,
        decode: @escaping @Sendable (any Decoder) throws -> Value
    ) {
        encoding = .containers(encode)
        decoding = .containers(decode)
    }
}

/// The forms that a `CBOREncoder` or a `CBORDecoder` has for types, by exact type: not for
/// subclasses. They hold wherever a value of the type is encoded, in arrays, dictionaries and
/// optionals too, but not where a type calls `encode(to:)` or `init(from:)` of a value by itself.
public struct CBORForms: Sendable {
    private var forms: [ObjectIdentifier: AnyForm] = [:]

    /// Makes a set without forms.
    public init() {}

    /// The form of a type, or `nil` if it has none here.
    public subscript<Value>(type: Value.Type) -> CBORForm<Value>? {
        get { (forms[ObjectIdentifier(type)] as? TypedForm<Value>)?.form }
        set { forms[ObjectIdentifier(type)] = newValue.map(TypedForm.init) }
    }

    func form(of type: any Any.Type) -> AnyForm? {
        forms.isEmpty ? nil : forms[ObjectIdentifier(type)]
    }
}

/// A form of some type.
class AnyForm: @unchecked Sendable {
    // Unchecked only because a class that is inherited from cannot be checked: it has no state, and
    // its one heir is immutable and sendable.
}

/// A form that knows its type again.
final class TypedForm<Value>: AnyForm, @unchecked Sendable {
    // Unchecked as its superclass is; this is immutable and sendable.
    let form: CBORForm<Value>

    init(_ form: CBORForm<Value>) { self.form = form }

    /// A form that was found under its type.
    static func of(_ form: AnyForm) -> CBORForm<Value> {
        guard let typed = form as? TypedForm<Value> else {
            preconditionFailure("A form is found under the type it was set for.")
        }
        return typed.form
    }
}
