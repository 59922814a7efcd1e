// SPDX-License-Identifier: MIT

import SyncProtocol

extension CommandOption {
    /// An option that sets the conflict policy of one collection, as `COLLECTION=NAME`, or of all
    /// that have none of their own, as `NAME`.
    static func policy(
        _ name: String, _ help: String, _ path: WritableKeyPath<Settings, ServerPolicies>
    ) -> CommandOption {
        CommandOption(
            name: name, placeholder: "[COLLECTION=]NAME", help: help,
            standard: { $0[keyPath: path].standard.rawValue },
            apply: { settings, text in settings[keyPath: path].set(text) }, isRepeatable: true)
    }
}

extension CommandOption {
    /// An option that adds an origin whose pages may speak to the server.
    static func origins(
        _ name: String, _ help: String, _ path: WritableKeyPath<Settings, OriginRules>
    ) -> CommandOption {
        CommandOption(
            name: name, placeholder: "ORIGIN", help: help, standard: { _ in nil },
            apply: { settings, text in
                if let fault = OriginRules.fault(in: text) { return fault }
                if text == "*" {
                    settings[keyPath: path].allowsAll = true
                } else {
                    settings[keyPath: path].origins.insert(text)
                }
                return nil
            }, isRepeatable: true)
    }
}

extension ServerPolicies {
    /// Takes one policy over, as it stands on the command line.
    ///
    /// - Returns: What is wrong with it, or `nil`.
    fileprivate mutating func set(_ text: String) -> String? {
        // A collection may have = in its name; a policy does not.
        let parts = text.utf8.lastIndex(of: UInt8(ascii: "=")).map { equals in
            (String(text[..<equals]), String(text[text.utf8.index(after: equals)...]))
        }
        guard let policy = ServerPolicy(rawValue: parts?.1 ?? text) else {
            let names = ServerPolicy.allCases.map(\.rawValue).joined(separator: ", ")
            return "must be [COLLECTION=]NAME, where NAME is one of \(names)"
        }
        guard let parts else {
            standard = policy
            return nil
        }
        let collection = CollectionName(parts.0)
        guard collection.isValid, !collection.isLocal else {
            return "must name a collection of \(CollectionName.rule) that does not begin with _"
        }
        byCollection[collection] = policy
        return nil
    }
}
