// SPDX-License-Identifier: MIT

import HTTPWire

/// Which web pages of other origins browsers let speak to the server (CORS, the Fetch standard).
///
/// Without any origin nothing is said, and browsers let none.
struct OriginRules: Equatable, Sendable {
    /// What pages are from, as browsers send it: `https://app.example`.
    var origins: Set<String> = []
    /// Whether pages of any origin may. They get no cookies with that, and this server uses none.
    var allowsAll = false

    var isOff: Bool { origins.isEmpty && !allowsAll }

    /// What is wrong with an origin as a setting, or `nil`.
    static func fault(in origin: String) -> String? {
        if origin == "*" { return nil }
        let parts = origin.split(separator: "/", omittingEmptySubsequences: false)
        let isOrigin =
            parts.count == 3 && (parts[0] == "https:" || parts[0] == "http:") && parts[1].isEmpty
            && !parts[2].isEmpty && origin.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != 0x2C }
        return isOrigin ? nil : "must be * or an origin such as https://app.example"
    }

    /// The answer to a browser that asks what a page may; `nil` if the request is not that
    /// question, or the page may nothing.
    func preflight(_ request: HTTPRequest) -> HTTPResponse? {
        guard request.method == .options, let origin = allowed(request),
            request.headers["Access-Control-Request-Method"] != nil
        else { return nil }
        var response = HTTPResponse(status: 204)
        note(origin, in: &response)
        response.headers.append("Access-Control-Allow-Methods", "GET, HEAD, POST")
        response.headers.append(
            "Access-Control-Allow-Headers",
            "Authorization, Content-Type, Content-Encoding, Last-Event-ID, Traceparent")
        response.headers.append("Access-Control-Max-Age", "600")
        return response
    }

    /// Lets the page that sent `request` read the answer, if it may.
    func apply(to response: inout HTTPResponse, of request: HTTPRequest) {
        guard !isOff else { return }
        guard let origin = allowed(request) else { return response.vary(on: "Origin") }
        note(origin, in: &response)
        response.headers.append("Access-Control-Expose-Headers", "Retry-After")
    }

    /// Whether a request comes from a page that may not speak to the server. Browsers ask before
    /// they send most requests, but not all, and they do not ask before they open a WebSocket.
    ///
    /// A page that came from this very server, or through the same proxy, may.
    func refuses(_ request: HTTPRequest) -> Bool {
        guard let origin = request.headers["Origin"], allowed(request) == nil else { return false }
        let authority = origin.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        guard let host = request.headers["Host"], !host.isEmpty else { return true }
        return !authority.utf8.elementsEqual(host.utf8)
    }

    private func note(_ origin: String, in response: inout HTTPResponse) {
        response.headers.append("Access-Control-Allow-Origin", origin)
        response.vary(on: "Origin")
    }

    /// The origin of a request, if it may. Compared byte for byte.
    private func allowed(_ request: HTTPRequest) -> String? {
        guard !isOff, let origin = request.headers["Origin"] else { return nil }
        // Set.contains compares by canonical equivalence, which ASCII has none of.
        guard origin.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        return allowsAll || origins.contains(origin) ? origin : nil
    }
}
