// SPDX-License-Identifier: MIT

extension CommandOption {
    /// The way in which a server finds out whose a request is.
    static func auth(_ path: WritableKeyPath<Settings, AccessSettings.Mode>) -> CommandOption {
        let names = AccessSettings.Mode.allCases.map(\.rawValue).joined(separator: ", ")
        return CommandOption(
            name: "auth", placeholder: "MODE", help: "\(names)",
            standard: { $0[keyPath: path].rawValue },
            apply: { settings, text in
                guard let mode = AccessSettings.Mode(rawValue: text) else {
                    return "must be one of \(names)"
                }
                settings[keyPath: path] = mode
                return nil
            })
    }

    /// Where tokens, or the keys of tokens, are, and what tokens have to say.
    static func tokens(_ path: WritableKeyPath<Settings, AccessSettings>) -> [CommandOption] {
        [
            .text(
                "token-file", "FILE", "the tokens of --auth token",
                path.appending(path: \.tokenFile)),
            .text(
                "jwt-secret-file", "FILE", "a secret of 32 bytes or more, for HS256",
                path.appending(path: \.secretFile)),
            .text(
                "jwt-public-key", "FILE", "a public key in PEM",
                path.appending(path: \.publicKeyFile)),
            .text(
                "jwt-jwks", "FILE|URL", "public keys in a JWKS", path.appending(path: \.keySet)),
            .algorithms(path.appending(path: \.rules.algorithms)),
            .optionalText(
                "jwt-issuer", "TEXT", "what iss has to be",
                path.appending(path: \.rules.issuer)),
            .optionalText(
                "jwt-audience", "TEXT", "what aud has to name",
                path.appending(path: \.rules.audience)),
        ]
    }

    private static func algorithms(
        _ path: WritableKeyPath<Settings, Set<TokenAlgorithm>>
    ) -> CommandOption {
        CommandOption(
            name: "jwt-algorithms", placeholder: "LIST", help: "the algorithms to take",
            standard: { settings in
                TokenAlgorithm.allCases.filter { settings[keyPath: path].contains($0) }
                    .map(\.rawValue).joined(separator: ",")
            },
            apply: { settings, text in
                let names = text.split(separator: ",", omittingEmptySubsequences: false)
                let algorithms = names.compactMap { TokenAlgorithm(rawValue: String($0)) }
                guard algorithms.count == names.count else {
                    let all = TokenAlgorithm.allCases.map(\.rawValue).joined(separator: ",")
                    return "must be of \(all), with commas between"
                }
                settings[keyPath: path] = Set(algorithms)
                return nil
            })
    }

    private static func optionalText(
        _ name: String, _ placeholder: String, _ help: String,
        _ path: WritableKeyPath<Settings, String?>
    ) -> CommandOption {
        CommandOption(
            name: name, placeholder: placeholder, help: help,
            standard: { $0[keyPath: path] },
            apply: { settings, text in
                if text.isEmpty { return "must not be empty" }
                settings[keyPath: path] = text
                return nil
            })
    }

    /// Databases, devices and collections that a token is to be for.
    static func grants(_ path: WritableKeyPath<Settings, GrantSettings>) -> [CommandOption] {
        [
            CommandOption(
                name: "db", placeholder: "NAME", help: "a database, or *; may be repeated",
                standard: { _ in nil },
                apply: { settings, text in settings[keyPath: path].addDatabase(text) },
                isRepeatable: true),
            CommandOption(
                name: "device", placeholder: "NAME", help: "a device, or how its name begins and *",
                standard: { $0[keyPath: path].grants.devices.text },
                apply: { settings, text in
                    guard let devices = DevicePattern(text) else {
                        return "must be a device's name, or the beginning of one and *"
                    }
                    settings[keyPath: path].grants.devices = devices
                    return nil
                }),
            CommandOption(
                name: "collection", placeholder: "NAME=r|rw",
                help: "what may be done with it; may be repeated",
                standard: { $0[keyPath: path].hasCollections ? nil : "*=rw" },
                apply: { settings, text in settings[keyPath: path].addCollection(text) },
                isRepeatable: true),
        ]
    }
}
