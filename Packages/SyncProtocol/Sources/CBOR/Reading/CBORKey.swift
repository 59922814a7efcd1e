// SPDX-License-Identifier: MIT

/// A text key of a map, compared by its bytes. It points into the input: use it only inside the
/// closure that received it.
public struct CBORKey {
    @usableFromInline let content: UnsafeRawBufferPointer

    /// The position of the key's head in bytes from the start of the input.
    public let offset: Int

    @inlinable
    init(content: UnsafeRawBufferPointer, offset: Int) {
        self.content = content
        self.offset = offset
    }

    /// The key as a string, copied.
    public var text: String { String(decoding: content, as: UTF8.self) }

    /// Whether the key has the bytes of `name`. Strings that only look equal, such as a composed
    /// and a decomposed é, are different keys.
    @inlinable
    @inline(__always)
    public func matches(_ name: StaticString) -> Bool {
        name.withUTF8Buffer { buffer in
            guard let start = content.baseAddress, let other = buffer.baseAddress else {
                return content.count == buffer.count
            }
            return content.count == buffer.count
                && areEqual(start, UnsafeRawPointer(other), count: buffer.count)
        }
    }

    /// Lets a `switch` over a key use string literals.
    @inlinable
    @inline(__always)
    public static func ~= (name: StaticString, key: CBORKey) -> Bool {
        key.matches(name)
    }
}
