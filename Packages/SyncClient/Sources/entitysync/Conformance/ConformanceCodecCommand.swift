// SPDX-License-Identifier: MIT

import SyncConformance

extension Command {
    /// `entitysync conformance codec`: whether a codec agrees with the test vectors.
    static let conformanceCodec: Command = Command(
        name: "conformance codec", operands: ["[COMMAND]", "[ARG...]"],
        summary: "Says which test vectors a codec in any language agrees with, and which not.",
        discussion: """
            COMMAND is an adapter: a program that reads a request from each line of its standard
            input and writes an answer to each line of its standard output, both JSON. It stands
            between this command and the codec that is judged; doc/conformance-adapters.md says
            what it has to do, and examples/conformance/codec.py is one. Only with --list it may be
            left out.

            Each entry of TestVectors/ is a check, FILE/ACTION/ID: decode, encode, apply (deltas)
            and judge (operations). What the adapter says it cannot do is skipped. Its standard
            error is passed on.

              $ entitysync conformance codec -- python3 examples/conformance/codec.py
              $ entitysync conformance codec --only pull,push/decode -- ./my-adapter
              $ entitysync conformance codec -- entitysync conformance adapter

            \(ConformanceCommand.discussion)
            """,
        flags: ConformanceCommand.flags + [
            AdapterFlags.timeout,
            Flag(
                name: "--vectors", value: "DIR",
                summary: "Where the vectors are: TestVectors here or in a folder above."),
        ],
        run: { arguments in
            let words = try AdapterFlags.words(arguments, .conformanceCodec)
            let timeout = try AdapterFlags.timeout(arguments, .conformanceCodec)
            let folder = try vectorFolder(arguments.value("--vectors"))
            let vectors: CodecVectors
            do {
                vectors = try CodecVectors { name in
                    var bytes: [UInt8] = []
                    let descriptor = try Platform.open("\(folder)/\(name).json")
                    while try Platform.read(1 << 16, from: descriptor, to: &bytes) > 0 {}
                    return bytes
                }
            } catch let unreachable as ConformanceUnreachable {
                StandardError.write("entitysync: \(folder): \(unreachable)")
                return ConformanceCommand.unreachableExitCode
            }
            return try ConformanceCommand.run(
                .codec(vectors), named: words.joined(separator: " "),
                words: arguments.value("--vectors").map { ["--vectors", $0] } ?? [],
                operands: words, arguments, .conformanceCodec, text: { $0.briefText }
            ) { _ in
                let adapter = Adapter(words, suite: "codec", timeout: timeout)
                try adapter.start()
                return adapter
            }
        })

    /// The folder of a flag, or the nearest `TestVectors`, here or in a folder above.
    private static func vectorFolder(_ flag: String?) throws -> String {
        let probe = "cbor.json"
        if let flag { return flag }
        var folder = "TestVectors"
        // No path of a checkout is so deep.
        for _ in 0..<32 {
            if (try? Platform.open("\(folder)/\(probe)")) != nil { return folder }
            folder = "../" + folder
        }
        throw CommandError(
            "there is no folder TestVectors here or above; say where it is with --vectors")
    }
}

/// The flags of the suites whose subject is behind an adapter.
enum AdapterFlags {
    static let timeout = Command.Flag(
        name: "--timeout", value: "SECONDS",
        summary: "How long an answer may take (10), from 1 to 3600.")

    /// The adapter's command line, which may be left out if the checks are only listed.
    static func words(_ arguments: Arguments, _ command: Command) throws(UsageError) -> [String] {
        guard !arguments.operands.isEmpty || arguments.has("--list") else {
            throw UsageError("it takes an adapter: -- COMMAND [ARG...]", command)
        }
        return arguments.operands
    }

    static func timeout(_ arguments: Arguments, _ command: Command) throws(UsageError) -> Duration {
        let seconds = try ConformanceCommand.number(
            "--timeout", arguments, command, default: 10, in: 1...3_600)
        return .seconds(Int64(seconds))
    }
}
