// SPDX-License-Identifier: MIT

/// Where a key set is published: an `https` address, or `http` on this machine.
struct KeySetAddress: Equatable, Sendable {
    let text: String
    let isSecure: Bool
    /// Without the brackets of an IPv6 address.
    let host: String
    let port: UInt16
    /// Path and query.
    let target: String
    /// Host and port as they stood.
    let authority: String

    /// Takes an address as it is written; `nil` if it is none.
    init?(_ text: String) {
        guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }), !text.contains("#") else { return nil }
        isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest.dropFirst(authority.count)
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        let colon = authority.last == "]" ? nil : authority.lastIndex(of: ":")
        let host = colon.map { authority[..<$0] } ?? authority
        guard
            let port = UInt16(
                colon.map { authority[$0...].dropFirst() } ?? (isSecure ? "443" : "80"))
        else { return nil }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        self.host = String(isBracketed ? host.dropFirst().dropLast() : host)
        guard !self.host.isEmpty, isBracketed || !host.contains(":") else { return nil }
        (self.text, self.port, self.authority) = (text, port, String(authority))
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
    }

    /// What is wrong with an address, or `nil`.
    static func fault(in text: String) -> String? {
        guard let address = KeySetAddress(text) else {
            return "--jwt-jwks \(text) is no address: https://HOST[:PORT]/PATH is one."
        }
        guard address.isSecure || isLoopbackHost(address.host) else {
            return
                "--jwt-jwks \(text) could be changed on its way, and with it who is let in. Keys "
                + "come over https, or from this machine."
        }
        return nil
    }
}
