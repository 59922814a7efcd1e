// SPDX-License-Identifier: MIT

/// A stack of plain values in memory of its own, which its owner frees.
///
/// An array checks on each change whether somebody else holds its storage; the reader pushes for
/// each key of each map, and nobody else ever does.
@usableFromInline
struct RawStack<Element: BitwiseCopyable> {
    @usableFromInline var base: UnsafeMutablePointer<Element>?
    @usableFromInline var count = 0
    @usableFromInline var capacity = 0

    @inlinable
    init() {}

    @inlinable
    @inline(__always)
    mutating func push(_ element: Element) {
        if count == capacity { grow() }
        // `grow` has made room, so there is a base.
        base.unsafelyUnwrapped[count] = element
        count &+= 1
    }

    /// - Precondition: The stack is not empty.
    @inlinable
    @inline(__always)
    mutating func pop() -> Element {
        precondition(count > 0, "Nothing is taken from an empty stack.")
        count -= 1
        return base.unsafelyUnwrapped[count]
    }

    /// The topmost element.
    ///
    /// - Precondition: The stack is not empty.
    @inlinable
    @inline(__always)
    var top: Element {
        precondition(count > 0, "An empty stack has no top.")
        return base.unsafelyUnwrapped[count - 1]
    }

    /// The memory behind the top; valid until the next change. What is stored there is pushed by
    /// raising `count`.
    var room: UnsafeMutableBufferPointer<Element> {
        UnsafeMutableBufferPointer(start: base.map { $0 + count }, count: capacity - count)
    }

    /// The elements from a position on; valid until the next change.
    func elements(from start: Int) -> UnsafeBufferPointer<Element> {
        UnsafeBufferPointer(rebasing: UnsafeBufferPointer(start: base, count: count)[start...])
    }

    @usableFromInline
    @inline(never)
    mutating func grow() {
        let wider = Swift.max(16, 2 * capacity)
        let new = UnsafeMutablePointer<Element>.allocate(capacity: wider)
        if let base {
            new.update(from: base, count: count)
            base.deallocate()
        }
        base = new
        capacity = wider
    }

    func deallocate() { base?.deallocate() }
}
