// SPDX-License-Identifier: MIT

/// How a server finds out whose a request is.
struct AccessSettings: Equatable, Sendable {
    /// The three ways.
    enum Mode: String, CaseIterable, Sendable {
        /// Everybody who reaches the server may do everything.
        case none
        /// Tokens that stand in a file, hashed.
        case token
        /// Tokens that somebody has signed (JWT).
        case jwt
    }

    var mode = Mode.none
    /// The file of `token`.
    var tokenFile = ""
    /// Where the keys of `jwt` are; an empty text is nowhere.
    var secretFile = ""
    var publicKeyFile = ""
    var keySet = ""
    /// What tokens are checked against beside their keys.
    var rules = TokenRules()

    /// Whether the key set is fetched from a server.
    var keySetIsAddress: Bool {
        keySet.hasPrefix("http://") || keySet.hasPrefix("https://")
    }

    /// What is wrong with the settings as a whole, or `nil`.
    var fault: String? {
        if keySetIsAddress, let fault = KeySetAddress.fault(in: keySet) { return fault }
        let hasKeys = !(secretFile.isEmpty && publicKeyFile.isEmpty && keySet.isEmpty)
        switch mode {
        case .none:
            guard tokenFile.isEmpty, !hasKeys else {
                return "Tokens and keys are of use with --auth token or --auth jwt only; without, "
                    + "everybody may do everything."
            }
        case .token:
            if tokenFile.isEmpty { return "--auth token needs --token-file FILE." }
            if hasKeys { return "Keys are of use with --auth jwt only, and this is --auth token." }
        case .jwt:
            guard hasKeys else {
                return "--auth jwt needs keys: --jwt-secret-file, --jwt-public-key or --jwt-jwks."
            }
            if !tokenFile.isEmpty {
                return "--token-file is of use with --auth token only, and this is --auth jwt."
            }
        }
        return nil
    }
}
