// SPDX-License-Identifier: MIT

/// Bars in groups; each group has a scale of its own, which its longest bar fills.
struct Chart {
    struct Bar {
        var system: String
        var value: Double
        var label: String
    }

    struct Group {
        var title: String
        var bars: [Bar]
    }

    var file: String
    var title: String
    var groups: [Group]

    private static let width = 720
    private static let barHeight = 14
    private static let barStart = 110
    private static let barMax = 500

    /// The chart as a picture that needs nothing else, readable on light and dark pages.
    var svg: String {
        var lines: [String] = []
        var y = 24
        lines.append(Self.text(8, y, title, "bold"))
        for group in groups where !group.bars.isEmpty {
            y += 26
            lines.append(Self.text(8, y, group.title, "head"))
            let largest = group.bars.map(\.value).max() ?? 1
            for bar in group.bars {
                y += Self.barHeight + 4
                let length = max(Int(bar.value / largest * Double(Self.barMax)), 1)
                let kind = bar.system == Goal.own ? "own" : "peer"
                lines.append(Self.text(16, y, bar.system, "name"))
                lines.append(
                    "<rect class=\"\(kind)\" x=\"\(Self.barStart)\" "
                        + "y=\"\(y - Self.barHeight + 3)\" width=\"\(length)\" "
                        + "height=\"\(Self.barHeight)\"/>")
                lines.append(Self.text(Self.barStart + length + 6, y, bar.label, "name"))
            }
        }
        let head = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.width) \(y + 16)" \
            width="\(Self.width)" height="\(y + 16)" role="img" aria-label="\(Self.escape(title))">
            <style>text{font:12px sans-serif;fill:#333}.bold{font-weight:bold;font-size:14px}
            .head{font-weight:bold}.own{fill:#2166ac}.peer{fill:#b0b0b0}</style>
            <rect width="100%" height="100%" fill="#fff"/>
            """
        return ([head] + lines + ["</svg>", ""]).joined(separator: "\n")
    }

    private static func text(_ x: Int, _ y: Int, _ text: String, _ kind: String) -> String {
        "<text class=\"\(kind)\" x=\"\(x)\" y=\"\(y)\">\(escape(text))</text>"
    }

    private static func escape(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case "\"": "&quot;"
            default: String(character)
            }
        }.joined()
    }
}
