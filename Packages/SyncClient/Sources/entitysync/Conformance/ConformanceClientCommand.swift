// SPDX-License-Identifier: MIT

import Foundation
import SyncConformance

extension Command {
    /// `entitysync conformance client`: whether a client keeps the rules of the protocol.
    static let conformanceClient: Command = Command(
        name: "conformance client", operands: ["[COMMAND]", "[ARG...]"],
        summary: "Says which rules of the protocol a client in any language keeps, and which not.",
        discussion: """
            COMMAND is an adapter: a program that reads a request from each line of its standard
            input and writes an answer to each line of its standard output, both JSON. It makes the
            client that is judged commit edits, exchange, and tell what it holds;
            doc/conformance-adapters.md says how. Only with --list it may be left out.

            Each check has a server of its own on a free port of 127.0.0.1, which loses answers,
            refuses, is put back to an older copy, or talks as older and later servers do. The
            client is judged by what it asked and by what it holds in the end. Some checks kill the
            adapter and start it again.

              $ entitysync conformance client -- ./my-adapter
              $ entitysync conformance client --only faults,crashes -- ./my-adapter
              $ entitysync conformance client -- entitysync conformance device

            \(ConformanceCommand.discussion)
            """,
        flags: ConformanceCommand.flags + [
            Flag(
                name: "--timeout", value: "SECONDS",
                summary: "How long an answer may take (60), from 1 to 3600.")
        ],
        run: { arguments in
            let words = try AdapterFlags.words(arguments, .conformanceClient)
            let seconds = try ConformanceCommand.number(
                "--timeout", arguments, .conformanceClient, default: 60, in: 1...3_600)
            let folder = FileManager.default.temporaryDirectory
                .appending(path: "entitysync-conformance-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: folder) }
            return try ConformanceCommand.run(
                .client, named: words.joined(separator: " "), words: [], operands: words,
                arguments, .conformanceClient
            ) { _ in
                let client = ClientUnderTest(
                    words, timeout: .seconds(Int64(seconds)), folder: folder.path)
                try client.reach()
                return client
            }
        })
}
