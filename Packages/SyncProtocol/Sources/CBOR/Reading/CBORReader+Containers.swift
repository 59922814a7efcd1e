// SPDX-License-Identifier: MIT

extension CBORReader {
    /// Reads an array of definite or indefinite length.
    ///
    /// - Parameter element: Called for each element with its index; reads or skips one item. Its
    ///   errors get `[index]` in front of their path.
    /// - Throws: `wrongType` if no array comes next, `depthExceeded`, or what `element` throws.
    @inlinable
    public mutating func readArray(
        _ element: (inout CBORReader, _ index: Int) throws(CBORError) -> Void
    ) throws(CBORError) {
        let head = try peekHead()
        guard head.major == 4 else { throw wrongType("an array") }
        let outer = try enter(head)
        var left = head.argument
        var index = 0
        while try hasNext(head, &left) {
            do throws(CBORError) {
                try element(&self, index)
            } catch {
                throw error.prefixed(with: "[\(index)]")
            }
            index += 1
            precondition(
                completed == index && openTags == 0,
                "The closure given to readArray must read exactly one item.")
        }
        leave(outer)
    }

    /// How many elements or entries the array or map that comes next announces; 0 if its length is
    /// indefinite, or something else comes. Nobody has seen so many: make no room for them without
    /// a bound, such as `bytesLeft`.
    @inlinable
    public func peekCount() throws(CBORError) -> Int {
        let head = try peekHead()
        return head.major | 1 == 5 ? Int(clamping: head.argument) : 0
    }

    /// Reads a map of definite or indefinite length whose keys are text.
    ///
    /// - Parameter entry: Called for each key, in the order of the input; reads or skips the key's
    ///   value, one item. Its errors get the key in front of their path.
    /// - Throws: `wrongType` if no map comes next or a key is not text, `duplicateKey` at the
    ///   second of two equal keys, `depthExceeded`, or what `entry` throws.
    @inlinable
    public mutating func readMap(
        _ entry: (inout CBORReader, _ key: CBORKey) throws(CBORError) -> Void
    ) throws(CBORError) {
        let head = try peekHead()
        guard head.major == 5 else { throw wrongType("a map") }
        let outer = try enter(head)
        var left = head.argument
        var tracker = KeyTracker(base: keys.count, limits)
        while try hasNext(head, &left) {
            let key = try readKey(&tracker)
            completed = 0
            do throws(CBORError) {
                try entry(&self, key)
            } catch {
                throw error.prefixed(with: key.text)
            }
            precondition(
                completed == 1 && openTags == 0,
                "The closure given to readMap must read exactly one item.")
        }
        removeKeys(of: tracker)
        leave(outer)
    }

    /// Reads a text key and remembers it.
    @inlinable
    @inline(__always)
    mutating func readKey(_ tracker: inout KeyTracker) throws(CBORError) -> CBORKey {
        let offset = position
        let head = try peekHead()
        guard head.major == 3 else { throw wrongType("a text string as a key") }
        // A definite length below 24 in one byte, or below 256 in two, is the shortest form.
        if head.info < 24 || head.info == 24 && head.argument >= 24 {
            let content = try content(of: head, isText: true)
            let end = head.end + content.count
            do throws(CBORError) {
                try add(
                    KeyBytes(start: base + offset, count: end - offset), at: offset, to: &tracker)
            } catch {
                throw error.prefixed(with: CBORKey(content: content, offset: offset).text)
            }
            complete(at: end)
            return CBORKey(content: content, offset: offset)
        }
        return try readUncommonKey(head, &tracker)
    }

    /// Reads a text key that is long, or not in its shortest form.
    @usableFromInline
    @inline(never)
    mutating func readUncommonKey(
        _ head: CBORHead, _ tracker: inout KeyTracker
    ) throws(CBORError) -> CBORKey {
        let offset = position
        let end: Int
        if head.isIndefinite {
            end = try scanChunks(from: position, isText: true) { _ in }
        } else {
            end = head.end + (try content(of: head, isText: true).count)
        }
        let key = identity(ofKeyFrom: offset, to: end)
        // The identity has a shortest head in front of the content.
        let size = headSize(info: key.start.load(as: UInt8.self) & 0x1F)
        let content = UnsafeRawBufferPointer(start: key.start + size, count: key.count - size)
        let read = CBORKey(content: content, offset: offset)
        do throws(CBORError) {
            try add(key, at: offset, to: &tracker)
        } catch {
            throw error.prefixed(with: read.text)
        }
        complete(at: end)
        return read
    }
}

/// What an array or map changes in the reader and puts back at its end.
@usableFromInline
struct OuterContainer {
    @usableFromInline let depth: Int
    @usableFromInline let completed: Int

    @inlinable
    init(depth: Int, completed: Int) {
        self.depth = depth
        self.completed = completed
    }
}

extension CBORReader {
    /// Moves past the head of an array or map to its first item.
    @inlinable
    @inline(__always)
    mutating func enter(_ head: CBORHead) throws(CBORError) -> OuterContainer {
        guard depth < limits.maxDepth else { throw tooDeep(at: position) }
        let outer = OuterContainer(depth: depth - openTags, completed: completed)
        depth += 1
        openTags = 0
        completed = 0
        itemsLeft -= 1
        position = head.end
        return outer
    }

    @inlinable
    @inline(__always)
    mutating func leave(_ outer: OuterContainer) {
        depth = outer.depth
        completed = outer.completed + 1
    }

    /// Whether the array or map with this head goes on; steps over its break if not.
    @inlinable
    @inline(__always)
    mutating func hasNext(_ head: CBORHead, _ left: inout UInt64) throws(CBORError) -> Bool {
        guard head.isIndefinite else {
            guard left > 0 else { return false }
            left -= 1
            return true
        }
        guard position < count else { throw CBORError.truncated(count) }
        guard base.load(fromByteOffset: position, as: UInt8.self) == breakByte else { return true }
        position += 1
        return false
    }
}
