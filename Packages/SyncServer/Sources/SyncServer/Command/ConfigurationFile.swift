// SPDX-License-Identifier: MIT

import RecordLog

/// A file of settings: lines of `name = value`, with the names that the flags have. Empty lines,
/// and lines that begin with `#`, say nothing.
struct ConfigurationFile: Equatable {
    /// One setting.
    struct Line: Equatable {
        /// Which line of the file it is, from 1.
        var number: Int
        var name: String
        var value: String
    }

    var path: String
    private(set) var lines: [Line] = []

    /// What is read at most, in bytes.
    private static let bytesMax = 1 << 20

    init(path: String, on disk: some FileSystem) throws(UsageError) {
        let bytes: [UInt8]
        do throws(FileSystemError) {
            bytes = try disk.openFile(at: path, .read).read(count: Self.bytesMax + 1, at: 0)
        } catch {
            throw UsageError(description: "The settings cannot be read: \(error)")
        }
        guard bytes.count <= Self.bytesMax, let text = String(validating: bytes, as: UTF8.self)
        else {
            throw UsageError(
                description: "\(path) is no file of settings: it is to be text of at most "
                    + "\(Self.bytesMax) bytes, with lines of name = value.")
        }
        try self.init(path: path, text)
    }

    init(path: String, _ text: String) throws(UsageError) {
        self.path = path
        var number = 0
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            let line = line.trimmingSpaces
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].trimmingSpaces.isEmpty else {
                throw UsageError(
                    description: "\(path):\(number) is no setting; write it as name = value.")
            }
            lines.append(
                Line(
                    number: number, name: String(parts[0].trimmingSpaces),
                    value: String(parts[1].trimmingSpaces)))
        }
    }
}

extension Substring {
    /// The text without spaces and tabs around it.
    fileprivate var trimmingSpaces: Substring {
        func isSpace(_ character: Character) -> Bool { character == " " || character == "\t" }
        var text = drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }
}

/// Where a setting was made.
enum SettingOrigin: Equatable {
    case standard
    case file(line: Int)
    case environment(String)
    case flag
}

/// What settings were made, for people to look at.
struct AppliedSettings {
    private var made: [String: [(value: String, origin: SettingOrigin)]] = [:]

    mutating func note(_ name: String, _ value: String, _ origin: SettingOrigin, adds: Bool) {
        if !adds { made[name] = nil }
        made[name, default: []].append((value, origin))
    }

    /// All settings as a file of settings has them, with where each comes from. Those that have no
    /// value stand there as comments.
    func text<Settings>(_ options: [CommandOption<Settings>], _ standard: Settings) -> String {
        var lines: [String] = []
        for option in options {
            guard let made = made[option.name] else {
                let value = option.standard(standard)
                lines.append(
                    value.map { "\(option.name) = \($0)" } ?? "# \(option.name) is not set")
                continue
            }
            for (value, origin) in made {
                lines.append("\(option.name) = \(value)\(origin.remark)")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension SettingOrigin {
    /// On a line of its own: a value may have any character in it.
    fileprivate var remark: String {
        switch self {
        case .standard: ""
        case .file(let line): "\n# ^ line \(line)"
        case .environment(let name): "\n# ^ \(name)"
        case .flag: "\n# ^ flag"
        }
    }
}
