// SPDX-License-Identifier: MIT

/// What a coder does with the values of a type that is no scalar.
enum TypeRole {
    /// Lets them use containers; a dictionary's keys have a rule.
    case containers(KeyRule)
    /// Lets it use a container with room for its elements.
    case array(any ArrayWithRoom.Type)
    /// Takes the tree that they give.
    case tree
    /// Uses the form that the coder was given.
    case form(AnyForm)
}

/// The roles of the types that one encoding or decoding has met.
///
/// Finding out takes two dynamic casts, and a document has few types and many values.
struct TypeRoles {
    private let forms: CBORForms
    /// A type's place is made of its address; who comes later takes it.
    private var slots: [(type: ObjectIdentifier?, role: TypeRole)]

    init(_ forms: CBORForms) {
        self.forms = forms
        slots = Array(repeating: (nil, .tree), count: 64)
    }

    mutating func role<T>(of type: T.Type) -> TypeRole {
        let identifier = ObjectIdentifier(type)
        let address = UInt(bitPattern: identifier)
        let slot = Int(truncatingIfNeeded: (address >> 4 ^ address >> 10) & 63)
        if slots[slot].type == identifier { return slots[slot].role }
        let role = find(type)
        slots[slot] = (identifier, role)
        return role
    }

    @inline(never)
    private func find<T>(_ type: T.Type) -> TypeRole {
        if let form = forms.form(of: type) { return .form(form) }
        if type is any CBORConvertible.Type { return .tree }
        if let array = type as? any ArrayWithRoom.Type { return .array(array) }
        return .containers((type as? any WithKeyRule.Type)?.keyRule ?? .any)
    }
}

/// The value as the type that it is of, without the cost of a dynamic cast.
///
/// - Precondition: `T` and `U` are the same type.
@inline(__always)
func cast<T, U>(_ value: T, to type: U.Type) -> U {
    // The compiler folds the check where it knows both types.
    precondition(T.self == U.self, "Only a value of the same type keeps its bits.")
    return unsafeBitCast(value, to: type)
}
