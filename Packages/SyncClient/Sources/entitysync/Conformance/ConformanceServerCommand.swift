// SPDX-License-Identifier: MIT

import SyncConformance

extension Command {
    /// `entitysync conformance server`: whether a server keeps the rules of the protocol.
    static let conformanceServer: Command = Command(
        name: "conformance server", operands: ["[URL]"],
        summary: "Says which rules of the protocol the server at URL keeps, and which it breaks.",
        discussion: """
            URL is http://HOST:PORT or http://HOST:PORT/PATH, where /v1/push is below PATH; only
            with --list it may be left out. The server may be anybody's, in any language: it is
            judged by its answers alone.

            The checks shake hands, push, pull and report cursors; they lose answers, cut requests
            off, send them byte by byte, twice, at the same time, and mutated. Each works in
            databases of its own, with names that nobody has used: what the server holds is not
            touched. The databases stay; remove them by their prefix.

              $ entitysync conformance server http://127.0.0.1:8080 --only push/exactly-once
              $ entitysync conformance server http://127.0.0.1:8080 --json >report.json
              $ entitysync conformance server --list

            \(ConformanceCommand.discussion)
            """,
        flags: ConformanceCommand.flags + [
            Flag(
                name: "--timeout", value: "SECONDS",
                summary: "How long an answer may take (30), from 1 to 3600."),
            Flag(
                name: "--token", value: "TOKEN",
                summary: "Send Authorization: Bearer TOKEN with every request."),
            Flag(
                name: "--database-prefix", value: "TEXT",
                summary: "What the names of the databases begin with (conformance-)."),
        ],
        run: { arguments in
            let url = arguments.operands.first
            let address = url.flatMap(ServerAddress.init(parsing:))
            guard address != nil || (url == nil && arguments.has("--list")) else {
                let got = url.map { ", and got \($0)" } ?? ""
                throw UsageError("it takes http://HOST:PORT\(got)", .conformanceServer)
            }
            let prefix = arguments.value("--database-prefix") ?? "conformance-"
            guard prefix.utf8.count <= 100, prefix.utf8.allSatisfy(isNameByte) else {
                throw UsageError(
                    "--database-prefix takes at most 100 of A–Z a–z 0–9 . _ ~ -",
                    .conformanceServer)
            }
            let seconds = try ConformanceCommand.number(
                "--timeout", arguments, .conformanceServer, default: 30, in: 1...3_600)
            return try ConformanceCommand.run(
                .server, named: address?.description ?? "", words: [address?.description ?? ""],
                arguments, .conformanceServer
            ) { seed in
                guard let address else { throw UsageError("it takes a URL", .conformanceServer) }
                let server = ServerUnderTest(
                    address: address, token: arguments.value("--token"),
                    timeout: .seconds(Int64(seconds)), databasePrefix: prefix, seed: seed)
                try server.reach()
                return server
            }
        })

    /// Whether a `dbId` may have this byte.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
