// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

extension MaintenanceCommand {
    static var compact: MaintenanceCommand {
        MaintenanceCommand(
            name: "compact", summary: "drop now what the log need not keep",
            explanation: """
                Rewrites the logs of databases without what may go, while no server runs: operations
                that others have superseded, and tombstones that every device has seen. A server
                does the same now and then, where it is worth it; this does it everywhere and at
                once. Ages are counted from when operations were committed.
                """,
            options: [
                MaintenanceSettings.data, MaintenanceSettings.database,
                .compactAfter(\.service.retention), .retentionDays(\.service.retention),
                .staleDays(\.service.retention),
                .integer(
                    "max-segment-bytes", "BYTES", "length to which files are merged",
                    in: 1_024...(1 << 40), \.service.segmentBytesMax),
                MaintenanceSettings.json,
            ],
            required: [MaintenanceSettings.data],
            run: { settings in
                reportingFailure { () throws(MaintenanceError) in
                    var configuration = settings.service
                    configuration.retention.takesAll = true
                    var generator = SystemRandomNumberGenerator()
                    var gains: [CompactionGain] = []
                    try directory(settings.data).compact(
                        settings.wanted, configuration,
                        nowMilliseconds: SystemClock.wallMilliseconds, using: &generator
                    ) { gain in
                        gains.append(gain)
                        if !settings.isJSON { Terminal.output(gain.line + "\n") }
                    }
                    if settings.isJSON {
                        let rows = JSONValue.array(gains.map(\.json))
                        Terminal.output(JSONValue.object([.init("databases", rows)]).line + "\n")
                    }
                    return .fine
                }
            })
    }
}
