// SPDX-License-Identifier: MIT

/// Writes metrics in the text format that Prometheus reads, version 0.0.4.
struct MetricsText {
    /// What kind of values a metric has.
    enum Kind: String {
        /// Only goes up, from 0 at the start of the process.
        case counter
        case gauge
        case histogram
    }

    /// A label of one value of a metric.
    typealias Label = (name: String, value: String)

    private(set) var text = ""

    /// Begins a metric; its values follow.
    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n"
        text += "# TYPE \(name) \(kind.rawValue)\n"
    }

    /// Writes one value of the metric that was begun.
    mutating func add(_ name: String, labels: [Label] = [], _ value: Double) {
        text += name
        if !labels.isEmpty {
            let parts = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            text += "{" + parts.joined(separator: ",") + "}"
        }
        text += " " + Self.number(value) + "\n"
    }

    mutating func add(_ name: String, labels: [Label] = [], _ value: some BinaryInteger) {
        add(name, labels: labels, Double(value))
    }

    /// Writes a metric that has one value.
    mutating func metric(
        _ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger
    ) {
        begin(name, kind, help)
        add(name, value)
    }

    /// Writes the ranges, the sum and the count of a histogram.
    mutating func add(_ name: String, labels: [Label] = [], _ histogram: Histogram) {
        var total: UInt64 = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            total += count
            add("\(name)_bucket", labels: labels + [("le", Self.number(bound))], total)
        }
        add("\(name)_bucket", labels: labels + [("le", "+Inf")], histogram.count)
        add("\(name)_sum", labels: labels, histogram.sum)
        add("\(name)_count", labels: labels, histogram.count)
    }

    /// A number as short as it can be written, whole ones without a point.
    static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
