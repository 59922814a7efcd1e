// SPDX-License-Identifier: MIT

/// The words of a command line, sorted by what the command takes.
struct Arguments: Sendable {
    /// As many as the command names.
    private(set) var operands: [String] = []
    private var values: [String: String] = [:]
    private var present: Set<String> = []

    /// Sorts `words`; flags may stand anywhere, `--flag value` or `--flag=value`, and everything
    /// behind `--` is an operand.
    init(_ words: [String], for command: Command) throws(UsageError) {
        var words = words[...]
        var takesFlags = true
        while let word = words.popFirst() {
            if takesFlags, word == "--" {
                takesFlags = false
            } else if takesFlags, word.utf8.first == UInt8(ascii: "-"), word.utf8.count > 1 {
                try take(word, &words, command)
            } else {
                operands.append(word)
            }
        }
        let required = command.operands.count { !$0.hasPrefix("[") }
        let isOpen = command.operands.last?.hasSuffix("...]") ?? false
        guard required...(isOpen ? Int.max : command.operands.count) ~= operands.count else {
            let expected = command.operands.joined(separator: " ")
            throw UsageError(
                "\(command.name) takes \(expected.isEmpty ? "no operands" : expected), and got "
                    + "\(operands.isEmpty ? "none" : operands.joined(separator: " "))", command)
        }
    }

    func has(_ flag: String) -> Bool {
        present.contains(flag)
    }

    func value(_ flag: String) -> String? {
        values[flag]
    }

    private mutating func take(
        _ word: String, _ words: inout ArraySlice<String>, _ command: Command
    ) throws(UsageError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let flag = command.flags.first(where: { $0.name == name }) else {
            throw UsageError("\(command.name) has no flag \(name)", command)
        }
        present.insert(name)
        if flag.value == nil {
            guard parts.count == 1 else { throw UsageError("\(name) takes no value", command) }
        } else if parts.count == 2 {
            values[name] = String(parts[1])
        } else if let value = words.popFirst() {
            values[name] = value
        } else {
            throw UsageError("\(name) needs a value: \(flag.spelling)", command)
        }
    }
}

/// A command line that makes no sense, with a hint at one that does. Exit code 64.
struct UsageError: Error, CustomStringConvertible {
    static let exitCode: Int32 = 64

    let description: String

    init(_ message: String, _ command: Command? = nil) {
        let hint =
            command.map { "usage: \($0.usage)\nsee: entitysync help \($0.name)" }
            ?? "see: entitysync --help"
        description = "\(message)\n\(hint)"
    }
}
