// SPDX-License-Identifier: MIT

extension CBORReader {
    /// Steps over one item of any kind and depth.
    ///
    /// It is checked as if it were read: well-formed, within the limits, UTF-8, no duplicate keys,
    /// deterministic if that is asked for. It takes no stack, however deep the item nests, and
    /// builds nothing; maps may have keys of any type. Its errors have no path.
    public mutating func skip() throws(CBORError) {
        var skipper = ItemSkipper(
            base: base, count: count, limits: limits, position: position, itemsLeft: itemsLeft,
            depth: depth, openTags: openTags)
        try skipper.run(&self)
        position = skipper.position
        itemsLeft = skipper.itemsLeft
        depth = skipper.depth
        openTags = 0
        completed += 1
    }

    /// The bytes of one item, checked as by `skip()` and copied.
    ///
    /// Tags that were read before are not among them.
    public mutating func readEncodedItem() throws(CBORError) -> [UInt8] {
        let start = position
        try skip()
        return [UInt8](UnsafeRawBufferPointer(start: base + start, count: position - start))
    }
}

extension CBORReader {
    /// The identity of the key between two positions.
    @inline(__always)
    mutating func identity(ofKeyFrom start: Int, to end: Int) -> KeyBytes {
        let written = KeyBytes(start: base + start, count: end - start)
        let initialByte = base.load(fromByteOffset: start, as: UInt8.self)
        // A head of one byte is the shortest.
        return initialByte & 0x1F < 24 ? written : longIdentity(of: written, to: end)
    }

    /// The identity of a key whose head is longer than a byte.
    @inline(never)
    private mutating func longIdentity(of written: KeyBytes, to end: Int) -> KeyBytes {
        let start = end - written.count
        let initialByte = base.load(fromByteOffset: start, as: UInt8.self)
        let major = initialByte >> 5
        let info = initialByte & 0x1F
        // Tags, arrays, maps and simple values stand as they are.
        guard major < 4 || major == 7 && info > 24 else { return written }

        var writer = CBORWriter()
        if info == 31 {
            var joined: [UInt8] = []
            var next = start + 1
            // The chunks have been checked: each has a definite length, and a break follows.
            while next < end - 1 {
                guard
                    let chunk = try? CBORHead.read(base, count: end, at: next, isStrict: false)
                else { break }
                let length = Int(truncatingIfNeeded: chunk.argument)
                joined.append(
                    contentsOf: UnsafeRawBufferPointer(start: base + chunk.end, count: length))
                next = chunk.end + length
            }
            writer.writeHead(major: major, argument: UInt64(joined.count))
            joined.withUnsafeBytes { writer.append($0) }
        } else {
            guard let head = try? CBORHead.read(base, count: end, at: start, isStrict: false)
            else { return written }
            if let value = head.doubleValue, major == 7 {
                writer.write(double: value)
            } else {
                guard headSize(argument: head.argument) < head.end - start else { return written }
                writer.writeHead(major: major, argument: head.argument)
                writer.append(UnsafeRawBufferPointer(start: base + head.end, count: end - head.end))
            }
        }
        return keepCopy(of: writer.bytes)
    }

    /// Puts bytes where they stay as long as the reader.
    private mutating func keepCopy(of bytes: [UInt8]) -> KeyBytes {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        guard let start = copy.baseAddress else {
            preconditionFailure("A key has a head, so its copy is not empty.")
        }
        copies.append(start)
        return KeyBytes(start: UnsafeRawPointer(start), count: bytes.count)
    }
}
