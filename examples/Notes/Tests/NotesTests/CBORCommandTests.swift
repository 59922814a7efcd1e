// SPDX-License-Identifier: MIT

import Foundation
import SyncTestSupport
import Testing

/// `entitysync cbor`, as a shell has it.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct CBORCommandTests {
    /// Runs words of `entitysync cbor`.
    private func run(_ words: String...) throws -> Program.Captured {
        let bench = try Bench()
        defer { bench.end() }
        return try bench.run("entitysync", ["cbor"] + words)
    }

    /// Runs a script in which `$E` is `entitysync cbor`, in an empty directory.
    private func shell(_ script: String) throws -> Program.Captured {
        let bench = try Bench()
        defer { bench.end() }
        let program = try Program.path(of: "entitysync")
        return try bench.run(
            "/bin/sh", ["-c", "set -e; cd \"$D\"; E=\"$P cbor\"; \(script)"],
            environment: ["P": program, "D": bench.directory])
    }

    @Test(
        arguments: [
            (["diag", "--hex", "82 1801 fa3fc00000"], "[1_0, 1.5_2]\n"),
            (["diag", "--base64", "GAE="], "1_0\n"), (["diag", "--base64", "GAE"], "1_0\n"),
            (["diag", "--hex", "0102"], "1,\n2\n"), (["diag", "--hex", ""], ""),
            (["diag", "--pretty", "--hex", "8101"], "[\n  1\n]\n"),
            (["diag", "--no-indicators", "--hex", "9f1801ff"], "[1]\n"),
            (["diag", "--bytes", "text", "--hex", "4161"], "'a'\n"),
            (["diag", "--embedded", "--hex=d818420102"], "24(<<1, 2>>)\n"),
            (["diag", "--ascii", "--hex", "62c3bc"], "\"\\u00fc\"\n"),
            (
                ["diag", "--max-depth", "100", "--hex", String(repeating: "81", count: 99) + "80"],
                String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + "\n"
            ),
            (
                ["decode", "--hex", "a2626964182a6464617461420102"],
                "{\"id\":42,\"data\":\"AQI\"}\n"
            ),
            (["decode", "--hex", "8401d641fffb7ff0000000000000f7"], "[1,\"/w==\",null,null]\n"),
            (["decode", "--hex", "c349010000000000000000"], "\"~AQAAAAAAAAAA\"\n"),
            (["decode", "--hex", "a201f54102d74103"], "{\"1\":true,\"Ag\":\"03\"}\n"),
            (["decode", "--hex", "01f93e00"], "1\n1.5\n"),
            (["decode", "--pretty", "--hex", "a1616180"], "{\n  \"a\": []\n}\n"),
            (
                ["encode", "--text", "{1: [_ h'00ff', 'text'], 2: 1.5_3}"],
                "a2019f4200ff4474657874ff02fb3ff8000000000000\n"
            ),
            (["encode", "--to", "base64", "--text", "1_0, 2"], "GAEC\n"),
            (["encode", "--json-input", "--text", "{\"id\": 42}"], "a1626964182a\n"),
            (["encode", "--json", "--text", "[1]"], "{\"ok\":true,\"hex\":\"8101\"}\n"),
            (["check", "--deterministic", "--hex", "01"], "good and deterministic\n"),
            (
                ["check", "--json", "--hex", "8101"],
                #"{"ok":true,"deterministic":true,"rule":null,"offset":null,"diagnostic":"[1]"}"#
                    + "\n"
            ),
        ] as [([String], String)])
    func printsAndSucceeds(words: [String], output: String) throws {
        let bench = try Bench()
        defer { bench.end() }

        let result = try bench.run("entitysync", ["cbor"] + words)

        #expect(result.outputText == output)
        #expect(result.errorText.isEmpty)
        #expect(result.exit == .status(0))
    }

    /// 1 for bad input, 64 for a command line that makes no sense; one of the streams says why.
    @Test(
        arguments: [
            (["diag", "--hex", "8101ff"], 1, "unexpectedBreak at byte 2"),
            (["diag", "--hex", "0181"], 1, "truncated at byte 2"),
            (["diag", "--hex", "0g"], 1, "wrong at character 2"),
            (["diag", "/nowhere/at/all"], 1, "/nowhere/at/all"),
            (
                ["diag", "--json", "--hex", "0181"], 1,
                #"{"ok":false,"error":"truncated","offset":2,"#
            ),
            (["decode", "--hex", "61ff"], 1, "invalidUTF8 at byte 0"),
            (["decode", "--hex", "01a201020103"], 1, "duplicateKey at byte 4"),
            (["encode", "--text", "[1,\n 2 3]"], 1, "unexpectedCharacter at line 2, column 4"),
            (["encode", "--json-input", "--text", "[1,]"], 1, "line 1, column 4"),
            (["encode", "--json", "--text", "[1,,"], 1, #""offset":3,"line":1,"column":4,"#),
            (["check", "--hex", "a201020103"], 1, "bad: duplicateKey at byte 3"),
            (["check", "--hex", "0101"], 1, "bad: trailingBytes at byte 1"),
            (["check", "--hex", ""], 1, "bad: truncated at byte 0"),
            (["check", "--deterministic", "--hex", "1801"], 1, "bad: nonShortest at byte 0"),
            (["check", "--sequence", "--deterministic", "--hex", "019fff"], 1, "at byte 1"),
            (["check", "--sequence", "--hex", "0161ff"], 1, "bad: invalidUTF8 at byte 1"),
            ([], 64, "second word"), (["nothing"], 64, "no command cbor nothing"),
            (["diag", "a", "b"], 64, "cbor diag takes [FILE]"),
            (["diag", "--no"], 64, "no flag --no"),
            (["diag", "--hex", "01", "file"], 64, "one input"),
            (["diag", "--from", "octal"], 64, "binary, hex or base64"),
            (["diag", "--bytes", "octal"], 64, "hex, base64 or text"),
            (["diag", "--max-depth", "0"], 64, "a number from 1"),
            (["check", "--lines", "--hex", "01"], 64, "--lines"),
            (["encode", "--to", "octal"], 64, "binary, hex or base64"),
        ] as [([String], Int32, String)])
    func failsAndSaysWhy(words: [String], status: Int32, reason: String) throws {
        let bench = try Bench()
        defer { bench.end() }

        let result = try bench.run("entitysync", ["cbor"] + words)

        #expect(result.exit == .status(status))
        let text = result.outputText + result.errorText
        #expect(text.contains(reason), "\(text)")
    }

    @Test func saysThatWhatIsNotDeterministicIsGoodAllTheSame() throws {
        let result = try run("check", "--hex", "1801")

        #expect(result.exit == .status(0))
        #expect(result.outputText.hasPrefix("good, but not deterministic: nonShortest at byte 0"))
    }

    @Test func whatIsPrintedCanBePipedBack() throws {
        let result = try shell(
            #"""
            printf '\202\030\001\137\101\377\377\371\176\001' >items.cbor
            $E diag --pretty items.cbor | $E encode --to binary | cmp - items.cbor
            $E encode --to base64 --text '{1: 2}' | $E decode --from base64
            $E encode --text '[1]' >hex; $E diag --from hex <hex; $E diag --from hex - <hex
            """#)

        #expect(result.errorText.isEmpty)
        #expect(result.outputText == "{\"1\":2}\n[1]\n[1]\n")
        #expect(result.exit == .status(0))
    }

    @Test func eachLineHasItsAnswer() throws {
        let result = try shell(
            "printf '8101\\n1801\\r\\n81\\nz\\n\\n61 ff\\na20101 0102\\n0'"
                + " | $E check --lines || echo $?")

        let end = "The input ends inside an item."
        let hex = "The line is no hex from this character on."
        let text = "The text string is not UTF-8."
        let key = "The map has had this key before."
        let answers = [
            #""ok":true,"deterministic":true,"rule":null,"offset":null,"diagnostic":"[1]""#,
            #""ok":true,"deterministic":false,"rule":"nonShortest","offset":0,"diagnostic":"1_0""#,
            #""ok":false,"error":"truncated","offset":1,"message":"\#(end)""#,
            #""ok":false,"error":"invalidHex","offset":0,"message":"\#(hex)""#,
            #""ok":false,"error":"truncated","offset":0,"message":"\#(end)""#,
            #""ok":false,"error":"invalidUTF8","offset":0,"message":"\#(text)""#,
            #""ok":false,"error":"duplicateKey","offset":3,"message":"\#(key)""#,
            #""ok":false,"error":"invalidHex","offset":1,"message":"\#(hex)""#,
        ]
        #expect(result.outputText == answers.map { "{\($0)}\n" }.joined() + "1\n")
    }

    @Test func linesOfDiagAskOnlyForWhatIsWellFormed() throws {
        let result = try shell(
            "printf '61ff\\n6122\\n' | $E diag --lines && echo GAE | $E diag --lines --from base64")

        let first = #"{"ok":true,"deterministic":false,"rule":"invalidUTF8","offset":0,"#
        #expect(
            result.outputText == first + ##""diagnostic":"\"\" h'ff'"}"## + "\n"
                + #"{"ok":true,"deterministic":true,"rule":null,"offset":null,"#
                + ##""diagnostic":"\"\\\"\""}"## + "\n"
                + #"{"ok":true,"deterministic":false,"rule":"nonShortest","offset":0,"#
                + #""diagnostic":"1_0"}"# + "\n")
        #expect(result.exit == .status(0))
    }

    /// Many lines of any bytes: as many answers, each of them JSON, and no crash.
    @Test(arguments: [1, 2] as [UInt64])
    func answersAnyLine(seed: UInt64) throws {
        let bench = try Bench()
        defer { bench.end() }
        var generator = SeededGenerator(seed: seed)
        var text = ""
        for _ in 0..<5_000 {
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                let byte = UInt8.random(in: 0...255, using: &generator)
                text += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
            text += "\n"
        }
        try Data(text.utf8).write(to: URL(fileURLWithPath: bench.path("lines")))

        for command in ["check", "diag"] {
            let result = try bench.run(
                "entitysync", ["cbor", command, "--lines", bench.path("lines")])
            let answers = result.outputText.split(separator: "\n")
            #expect(answers.count == 5_000)
            for answer in answers {
                let object = try JSONSerialization.jsonObject(with: Data(answer.utf8))
                let members = try #require(object as? [String: Any])
                #expect(members["ok"] is Bool)
                #expect(members.count == (members["ok"] as? Bool == true ? 5 : 4))
            }
            #expect(result.exit == .status(1))
        }
    }

    /// The examples of the help print what it says.
    @Test(arguments: ["diag", "decode", "encode", "check"])
    func theExamplesOfTheHelpAreTrue(command: String) throws {
        let help = try run(command, "--help").outputText.split(separator: "\n").map(String.init)
        var examples: [(line: String, output: String)] = []
        for (index, line) in help.enumerated() {
            guard let start = line.range(of: "$ entitysync cbor ") ?? line.range(of: "$ echo ")
            else {
                continue
            }
            let output = help[index + 1].trimmingCharacters(in: .whitespaces)
            examples.append((String(line[line.index(start.lowerBound, offsetBy: 2)...]), output))
        }

        #expect(!examples.isEmpty)
        for (line, output) in examples {
            let script = line.replacingOccurrences(of: "entitysync cbor", with: "$E")
            let result = try shell("\(script) || true")
            let expected = output.hasSuffix("…") ? String(output.dropLast()) : output
            #expect(result.outputText.hasPrefix(expected), "\(line): \(result.outputText)")
        }
    }
}
