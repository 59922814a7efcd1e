// SPDX-License-Identifier: MIT

extension HTTPRequestHead {
    /// Reads `METHOD SP target SP HTTP/1.x` (RFC 9112 §3); the line is the head's first.
    mutating func readRequestLine(_ line: ArraySlice<UInt8>) throws(HTTPRejection) {
        func reject(_ status: Int, _ reason: String, at index: Int) -> HTTPRejection {
            HTTPRejection(status: status, reason: reason, position: index - line.startIndex)
        }
        guard let methodEnd = line.firstIndex(of: ASCII.space) else {
            throw reject(
                400, "The request line is not a method, a target and a version.",
                at: line.endIndex)
        }
        let methodBytes = line[..<methodEnd]
        guard !methodBytes.isEmpty, methodBytes.allSatisfy(ASCII.isToken) else {
            throw reject(400, "The method is not a token.", at: line.startIndex)
        }
        let rest = line[(methodEnd + 1)...]
        guard let targetEnd = rest.firstIndex(of: ASCII.space), targetEnd > rest.startIndex
        else {
            throw reject(
                400, "The request line has not one space between target and version.",
                at: rest.startIndex)
        }
        method = HTTPMethod(rawValue: String(decoding: methodBytes, as: UTF8.self))
        version = try HTTPVersion.read(
            line[(targetEnd + 1)...], position: targetEnd + 1 - line.startIndex)
        try readTarget(rest[..<targetEnd], offset: methodEnd + 1 - line.startIndex)
    }

    /// Reads a target in origin-form, in absolute-form, or `*` of OPTIONS (RFC 9112 §3.2).
    mutating func readTarget(
        _ bytes: ArraySlice<UInt8>, offset: Int
    ) throws(HTTPRejection) {
        func reject(_ reason: String, at index: Int) -> HTTPRejection {
            HTTPRejection(
                status: 400, reason: reason, position: offset + index - bytes.startIndex)
        }
        target = String(decoding: bytes, as: UTF8.self)
        if bytes.count == 1 && bytes.first == UInt8(ascii: "*") && method == .options {
            path = target
            return
        }
        var rest = bytes
        if bytes.first != UInt8(ascii: "/") {
            guard let host = HTTPRequestHead.authority(ofAbsolute: bytes),
                HTTPRequestHead.isAuthority(bytes[host])
            else {
                throw reject(
                    "The target is not a path; begin it with / or with http://.",
                    at: bytes.startIndex)
            }
            let base = bytes.startIndex - offset
            authority = (host.lowerBound - base)..<(host.upperBound - base)
            rest = bytes[host.upperBound...]
        }
        if let fault = HTTPRequestHead.firstFault(inTarget: rest) {
            throw reject(
                "The target holds a character that must be percent-encoded.", at: fault)
        }
        guard let mark = rest.firstIndex(of: UInt8(ascii: "?")) else {
            path = rest.count == bytes.count ? target : String(decoding: rest, as: UTF8.self)
            if rest.isEmpty { path = "/" }
            return
        }
        path = mark == rest.startIndex ? "/" : String(decoding: rest[..<mark], as: UTF8.self)
        query = String(decoding: rest[(mark + 1)...], as: UTF8.self)
    }

    /// Where the host and port lie in `http://host:port/…`, or nil if it is something else.
    private static func authority(ofAbsolute target: ArraySlice<UInt8>) -> Range<Int>? {
        let count: Int
        if ASCII.equals(target.prefix(7), "http://") {
            count = 7
        } else if ASCII.equals(target.prefix(8), "https://") {
            count = 8
        } else {
            return nil
        }
        let rest = target.dropFirst(count)
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
        return rest.startIndex..<(end ?? rest.endIndex)
    }

    /// The first byte that neither a path nor a query may hold (RFC 3986 §3.3, §3.4), or nil.
    private static func firstFault(inTarget bytes: ArraySlice<UInt8>) -> Int? {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard bytes.endIndex - index > 2, ASCII.hexValue(bytes[index + 1]) != nil,
                    ASCII.hexValue(bytes[index + 2]) != nil
                else { return index }
                index += 3
                continue
            }
            guard ASCII.isPath(byte) || byte == UInt8(ascii: "?") else { return index }
            index += 1
        }
        return nil
    }

    /// Whether `bytes` is a host name, an IPv4 address or an IPv6 one in brackets, with or
    /// without a port (RFC 3986 §3.2.2). An empty host is none.
    static func isAuthority(_ bytes: ArraySlice<UInt8>) -> Bool {
        var host = bytes
        var port: ArraySlice<UInt8> = []
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
            host = bytes[(bytes.startIndex + 1)..<end]
            let rest = bytes[(end + 1)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { return false }
            port = rest.dropFirst()
            let isAddress = host.allSatisfy {
                ASCII.hexValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
            }
            guard isAddress, host.count >= 2 else { return false }
        } else {
            if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
                host = bytes[..<colon]
                port = bytes[(colon + 1)...]
            }
            guard !host.isEmpty, isHostName(host) else { return false }
        }
        guard port.count <= 5, port.allSatisfy(ASCII.isDigit) else { return false }
        return port.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 65_535
    }

    private static func isHostName(_ bytes: ArraySlice<UInt8>) -> Bool {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if bytes[index] == UInt8(ascii: "%") {
                guard bytes.endIndex - index > 2, ASCII.hexValue(bytes[index + 1]) != nil,
                    ASCII.hexValue(bytes[index + 2]) != nil
                else { return false }
                index += 3
            } else {
                guard ASCII.isHostName(bytes[index]) else { return false }
                index += 1
            }
        }
        return true
    }
}
