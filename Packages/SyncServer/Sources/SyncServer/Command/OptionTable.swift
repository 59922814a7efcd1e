// SPDX-License-Identifier: MIT

/// One option of a command: a flag, the environment variable beside it, and what its value sets.
struct CommandOption<Settings> {
    /// The flag without its dashes.
    var name: String
    /// What stands for the value in the help; `nil` for a flag without one.
    var placeholder: String?
    /// A line of help.
    var help: String
    /// The value that holds if none is given, for the help.
    var standard: (Settings) -> String?
    /// Takes the value over; returns what is wrong with it, or `nil`.
    var apply: (inout Settings, String) -> String?
    /// Whether the flag may be given several times with different values. The variable then has
    /// them separated by commas.
    var isRepeatable = false

    /// `ENTITYSYNC_MAX_PUSH_OPS` for `max-push-ops`.
    var variable: String {
        "ENTITYSYNC_"
            + String(
                decoding: name.utf8.map { byte in
                    switch byte {
                    case UInt8(ascii: "-"): UInt8(ascii: "_")
                    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
                    default: byte
                    }
                }, as: UTF8.self)
    }
}

/// A command line that cannot be understood.
struct UsageError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, and what to write instead.
    var description: String
}

extension CommandOption {
    /// An option that takes an integer in `range`.
    static func integer<Value: FixedWidthInteger & Sendable>(
        _ name: String, _ placeholder: String, _ help: String, in range: ClosedRange<Value>,
        _ path: WritableKeyPath<Settings, Value>
    ) -> CommandOption {
        CommandOption(
            name: name, placeholder: placeholder, help: help,
            standard: { "\($0[keyPath: path])" },
            apply: { settings, text in
                guard let value = Value(text), range.contains(value) else {
                    return "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
                }
                settings[keyPath: path] = value
                return nil
            })
    }

    /// An option that takes a number of seconds.
    static func seconds(
        _ name: String, _ help: String, _ path: WritableKeyPath<Settings, Int>
    ) -> CommandOption {
        integer(name, "SECONDS", help, in: 1...86_400, path)
    }

    /// An option that takes a number of days and keeps it in milliseconds.
    static func days(
        _ name: String, _ help: String, _ path: WritableKeyPath<Settings, UInt64>
    ) -> CommandOption {
        CommandOption(
            name: name, placeholder: "DAYS", help: help,
            standard: { "\($0[keyPath: path] / TimeUnit.day.milliseconds)" },
            apply: { settings, text in
                guard let days = UInt64(text), (0...36_500).contains(days) else {
                    return "must be a whole number of days from 0 to 36500"
                }
                settings[keyPath: path] = days * TimeUnit.day.milliseconds
                return nil
            })
    }

    /// An option that takes a time with its unit, such as `90s` or `1d`, and keeps it in
    /// milliseconds.
    static func time(
        _ name: String, _ help: String, _ path: WritableKeyPath<Settings, UInt64>
    ) -> CommandOption {
        CommandOption(
            name: name, placeholder: "TIME", help: help,
            standard: { TimeUnit.text(milliseconds: $0[keyPath: path]) },
            apply: { settings, text in
                guard let milliseconds = TimeUnit.milliseconds(text) else {
                    return "must be a whole number with a unit: 90s, 30m, 12h or 1d"
                }
                settings[keyPath: path] = milliseconds
                return nil
            })
    }

    /// An option that takes a text.
    static func text(
        _ name: String, _ placeholder: String, _ help: String,
        _ path: WritableKeyPath<Settings, String>
    ) -> CommandOption {
        CommandOption(
            name: name, placeholder: placeholder, help: help,
            standard: { $0[keyPath: path].isEmpty ? nil : $0[keyPath: path] },
            apply: { settings, text in
                if text.isEmpty { return "must not be empty" }
                settings[keyPath: path] = text
                return nil
            })
    }

    /// A flag without a value; in the environment, `1` sets it and `0` does not.
    static func flag(
        _ name: String, _ help: String, _ path: WritableKeyPath<Settings, Bool>
    ) -> CommandOption {
        CommandOption(
            name: name, placeholder: nil, help: help, standard: { _ in nil },
            apply: { settings, text in
                guard text == "1" || text == "0" else { return "must be 0 or 1" }
                settings[keyPath: path] = text == "1"
                return nil
            })
    }
}

/// The options of a command. A flag wins over the environment, and that over a file.
struct OptionTable<Settings> {
    var options: [CommandOption<Settings>]

    /// Applies the environment and then the arguments to `settings`.
    ///
    /// `--name value` and `--name=value` are both taken.
    func parse(
        _ arguments: [String], environment: [String: String], into settings: inout Settings
    ) throws(UsageError) {
        var applied = AppliedSettings()
        try parse(arguments, environment: environment, into: &settings, noting: &applied)
    }

    /// As `parse`, and notes in `applied` which settings were made.
    func parse(
        _ arguments: [String], environment: [String: String], into settings: inout Settings,
        noting applied: inout AppliedSettings
    ) throws(UsageError) {
        for option in options {
            guard let text = environment[option.variable] else { continue }
            for value in option.isRepeatable ? text.split(separator: ",").map(String.init) : [text]
            {
                try apply(
                    option, value, option.variable, .environment(option.variable), &settings,
                    &applied)
            }
        }
        var index = 0
        while index < arguments.count {
            index += 1
            let (option, value) = try take(arguments[index - 1], arguments, &index)
            try apply(option, value, "--\(option.name)", .flag, &settings, &applied)
        }
    }

    /// Applies a file to `settings`.
    func parse(
        _ file: ConfigurationFile, into settings: inout Settings,
        noting applied: inout AppliedSettings
    ) throws(UsageError) {
        for line in file.lines {
            let place = "\(file.path):\(line.number)"
            guard let option = options.first(where: { $0.name == line.name }) else {
                throw UsageError(
                    description: "\(place): there is no setting \(line.name)."
                        + hint(for: line.name, prefix: ""))
            }
            try apply(
                option, line.value, "\(place): \(line.name)", .file(line: line.number), &settings,
                &applied)
        }
    }

    private func apply(
        _ option: CommandOption<Settings>, _ value: String, _ place: String,
        _ origin: SettingOrigin, _ settings: inout Settings, _ applied: inout AppliedSettings
    ) throws(UsageError) {
        if let fault = option.apply(&settings, value) {
            throw UsageError(description: "\(place) \(fault), and is \"\(value)\".")
        }
        applied.note(option.name, value, origin, adds: option.isRepeatable)
    }

    private func take(
        _ argument: String, _ arguments: [String], _ index: inout Int
    ) throws(UsageError) -> (CommandOption<Settings>, String) {
        guard argument.hasPrefix("--") else {
            throw UsageError(description: "\"\(argument)\" is not a flag; flags begin with --.")
        }
        let parts = argument.dropFirst(2).split(
            separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = options.first(where: { $0.name == name }) else {
            throw UsageError(
                description: "There is no flag --\(name).\(hint(for: name, prefix: "--"))")
        }
        if option.placeholder == nil {
            guard parts.count == 1 else {
                throw UsageError(description: "--\(name) takes no value.")
            }
            return (option, "1")
        }
        if parts.count == 2 { return (option, String(parts[1])) }
        guard index < arguments.count else {
            throw UsageError(
                description: "--\(name) needs a value: --\(name) \(option.placeholder ?? "").")
        }
        index += 1
        return (option, arguments[index - 1])
    }

    private func hint(for name: String, prefix: String) -> String {
        let nearest = options.map { (editDistance($0.name, name), $0.name) }.min { $0.0 < $1.0 }
        guard let (distance, candidate) = nearest, distance <= min(3, name.utf8.count / 2)
        else { return "" }
        return " Did you mean \(prefix)\(candidate)?"
    }

    /// The lines of help, one or two for each option.
    func help(_ standard: Settings) -> String {
        options.map { option in
            let flag = "--\(option.name)" + (option.placeholder.map { " \($0)" } ?? "")
            let value = option.standard(standard).map { " [\($0)]" } ?? ""
            let padding = String(repeating: " ", count: max(1, 28 - flag.utf8.count))
            return "  \(flag)\(padding)\(option.help)\(value)\n"
        }.joined()
    }
}

/// How many letters must be added, removed or replaced to make one word of the other.
func editDistance(_ left: String, _ right: String) -> Int {
    let target = Array(right.utf8)
    var row = Array(0...target.count)
    for (index, letter) in left.utf8.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for column in target.indices {
            let substitution = diagonal + (target[column] == letter ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(substitution, row[column] + 1, diagonal + 1)
        }
    }
    return row[target.count]
}
