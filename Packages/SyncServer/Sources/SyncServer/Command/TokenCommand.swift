// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// `entitysync-server token issue` and `token check`.
enum TokenCommand {
    /// What the commands were told.
    struct Settings {
        var access = AccessSettings()
        var grants = GrantSettings()
        var name = ""
        var lifetimeMilliseconds: UInt64 = 0
    }

    static var issueOptions: OptionTable<Settings> {
        OptionTable(
            options: [
                .text("name", "NAME", "whose token it is, for the log; required", \.name),
                .time("expires-in", "how long it is good; 0s is for ever", \.lifetimeMilliseconds),
            ] + CommandOption.grants(\.grants)
                + CommandOption.tokens(\.access).filter { isForIssuing($0.name) })
    }

    static var checkOptions: OptionTable<Settings> {
        OptionTable(options: CommandOption.tokens(\.access))
    }

    private static func isForIssuing(_ option: String) -> Bool {
        ["token-file", "jwt-secret-file", "jwt-issuer", "jwt-audience"].contains(option)
    }

    /// Runs the command with the words behind `token`.
    static func run(
        _ arguments: [String], _ environment: [String: String]
    ) throws(UsageError) -> Int32 {
        let rest = Array(arguments.dropFirst())
        let wantsHelp = rest.contains("--help") || rest.contains("-h")
        var settings = Settings()
        switch arguments.first {
        case "issue" where !wantsHelp:
            try issueOptions.parse(rest, environment: environment.ofTokens, into: &settings)
            return try issue(&settings).rawValue
        case "check" where !wantsHelp:
            guard let token = rest.first, token == "-" || !token.hasPrefix("-") else {
                throw UsageError(
                    description: "Name the token, or - to have it read from standard input: "
                        + "entitysync-server token check - --token-file FILE")
            }
            try checkOptions.parse(
                Array(rest.dropFirst()), environment: environment.ofTokens, into: &settings)
            return try check(token, &settings).rawValue
        case "issue", "check", "--help", "-h":
            Terminal.output(help)
            return ExitStatus.fine.rawValue
        default: throw UsageError(description: "Name what to do with tokens: issue or check.")
        }
    }

    static var help: String {
        """
        entitysync-server token issue --token-file FILE --name NAME --db NAME [flags]
        entitysync-server token issue --jwt-secret-file FILE --name NAME --db NAME [flags]

        Makes a token and prints it, this once: for `serve --auth token` its hash and what it
        permits are added to the file, and a running server takes it a second later; for `serve
        --auth jwt` it is signed with the secret, and lasts a day unless told otherwise. To withdraw
        a token of the first kind, remove its line.

        \(issueOptions.help(Settings()))
        entitysync-server token check TOKEN [flags]
        entitysync-server token check - [flags]

        Says what a token permits, or why it is refused: with the same flags, what `serve` would
        say. Others on this machine see a token on a command line; - reads it from standard input.

        \(checkOptions.help(Settings()))
        The exit status is 0 if all is well, 1 if the token is refused, 64 for a command line that
        makes no sense, 66 if a file is missing or not as it must be, 73 if the token cannot be made
        and 74 if the disk fails.

        """
    }
}

// Making a token.
extension TokenCommand {
    private static func issue(_ settings: inout Settings) throws(UsageError) -> ExitStatus {
        guard TokenFile.isName(settings.name) else {
            throw UsageError(
                description: "--name NAME is required: 1 to 64 printable characters of ASCII, "
                    + "without blanks.")
        }
        guard settings.grants.hasDatabases else {
            throw UsageError(
                description: "--db NAME is required: the database that the token is for, or *.")
        }
        guard settings.access.tokenFile.isEmpty != settings.access.secretFile.isEmpty else {
            throw UsageError(
                description: "Name one of --token-file FILE and --jwt-secret-file FILE.")
        }
        let taken = settings
        return reportingFailure { () throws(MaintenanceError) in
            taken.access.tokenFile.isEmpty ? try sign(taken) : try add(taken)
        }
    }

    private static func sign(_ settings: Settings) throws(MaintenanceError) -> ExitStatus {
        let path = settings.access.secretFile
        let secret: [UInt8]
        do throws(KeySourceError) {
            secret = KeySources.secret(in: try readFile(path, bytesMax: JSONWebKeySet.bytesMax))
        } catch {
            throw MaintenanceError(.notThere, "\(path): \(error)")
        }
        guard secret.count >= TokenKey.secretBytesMin else {
            throw MaintenanceError(
                .notThere,
                "\(path): A secret has at least \(TokenKey.secretBytesMin) bytes. Make one: "
                    + "head -c 32 /dev/urandom | base64")
        }
        let lifetime = settings.lifetimeMilliseconds
        let end = SystemClock.wallMilliseconds + (lifetime == 0 ? 86_400_000 : lifetime)
        let rules = settings.access.rules
        let more = [("iss", rules.issuer), ("aud", rules.audience)].compactMap { name, value in
            value.map { JSONValue.Member(name, .text($0)) }
        }
        let token = JSONWebToken.issue(
            settings.grants.grants, subject: settings.name, expiresAtSeconds: end / 1_000, more,
            secret: secret)
        Terminal.output(token + "\n")
        return .fine
    }

    /// Adds a line in place, so that the file keeps its owner.
    private static func add(_ settings: Settings) throws(MaintenanceError) -> ExitStatus {
        let path = settings.access.tokenFile
        let disk = POSIXFileSystem()
        let lifetime = settings.lifetimeMilliseconds
        let entry = TokenFile.Entry(
            name: settings.name, grants: settings.grants.grants,
            expiresAtMilliseconds: lifetime == 0
                ? .max : (SystemClock.wallMilliseconds + lifetime) / 1_000 * 1_000)
        var generator = SystemRandomNumberGenerator()
        let (token, line) = TokenFile.issue(entry, using: &generator)
        let lock: POSIXFileSystem.Lock?
        let file: POSIXFileSystem.File
        let old: [UInt8]
        do throws(FileSystemError) {
            lock = try disk.lockFile(at: path)
            file = try disk.openFile(at: path, .readWrite)
            old = try file.read(count: Int(min(try file.size(), UInt64(TokenFile.bytesMax))), at: 0)
        } catch {
            throw MaintenanceError(error)
        }
        guard let lock else {
            throw MaintenanceError(.inUse, "Another command writes to \(path). Try again.")
        }
        defer { lock.release() }
        try checkIsNew(entry, in: old, path)
        let start = old.isEmpty || old.last == UInt8(ascii: "\n") ? "" : "\n"
        do throws(FileSystemError) {
            try file.write(Array((start + line + "\n").utf8), at: UInt64(old.count))
            try file.sync()
        } catch {
            throw MaintenanceError(error)
        }
        Terminal.output(token + "\n")
        return .fine
    }

    private static func checkIsNew(
        _ entry: TokenFile.Entry, in bytes: [UInt8], _ path: String
    ) throws(MaintenanceError) {
        let known: TokenFile
        do throws(KeySourceError) { known = try TokenFile(bytes) } catch {
            throw MaintenanceError(.notThere, "\(path): \(error)")
        }
        let hasName = known.entries.values.contains { $0.name.utf8.elementsEqual(entry.name.utf8) }
        if hasName {
            throw MaintenanceError(
                .cannotMake, "\(path) has a token called \(entry.name). Take another name.")
        }
    }
}

// Looking at a token.
extension TokenCommand {
    private static func check(
        _ token: String, _ settings: inout Settings
    ) throws(UsageError) -> ExitStatus {
        settings.access.mode = settings.access.tokenFile.isEmpty ? .jwt : .token
        if let fault = settings.access.fault { throw UsageError(description: fault) }
        let access = settings.access
        let text = token == "-" ? Terminal.input(bytesMax: 2 * TokenRules.tokenBytesMax) : token
        let bytes = Array(text.utf8.filter { $0 > 0x20 })[...]
        return reportingFailure { () throws(MaintenanceError) in
            switch try principal(of: bytes, access, SystemClock.wallMilliseconds) {
            case .success(let principal):
                let end = principal.expiresAtMilliseconds
                let skew = access.mode == .jwt ? ", a minute of skew included" : ""
                let lines =
                    ["token        \(principal.subject)"] + principal.grants.lines
                    + ["good until   \(end == .max ? "it is withdrawn" : utcTime(end) + skew)"]
                Terminal.output(lines.map { $0 + "\n" }.joined())
                return .fine
            case .failure(let refusal):
                Terminal.error("refused: \(refusal.reason)")
                return .damage
            }
        }
    }

    private static func principal(
        of token: ArraySlice<UInt8>, _ access: AccessSettings, _ now: UInt64
    ) throws(MaintenanceError) -> Result<Principal, AccessRefusal> {
        do throws(KeySourceError) {
            if access.mode == .token {
                let file = try TokenFile.read(access.tokenFile)
                return Result { () throws(AccessRefusal) in
                    try file.principal(of: token, nowMilliseconds: now)
                }
            }
            var sources = KeySources(access)
            _ = try sources.read(isForced: true, tell: { Terminal.error($0) })
            sources.fetch(tell: { Terminal.error($0) })
            let keys = sources.keys
            return Result { () throws(AccessRefusal) in
                try JSONWebToken(token).verify(keys, access.rules, nowMilliseconds: now)
            }
        } catch {
            throw MaintenanceError(.notThere, error.description)
        }
    }
}

extension [String: String] {
    /// What may be set for `serve` already.
    fileprivate var ofTokens: [String: String] {
        filter { $0.key == "ENTITYSYNC_TOKEN_FILE" || $0.key.hasPrefix("ENTITYSYNC_JWT_") }
    }
}
