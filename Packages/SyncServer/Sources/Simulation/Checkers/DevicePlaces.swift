// SPDX-License-Identifier: MIT

import SyncProtocol

/// Where a server knows devices to be, by what they have asked it (§6.4).
struct DevicePlaces {
    /// What is known of a device.
    struct Place {
        /// The `sinceCursor` of its latest pull.
        var cursor = Cursor.start
        /// When it was heard of, by the server's clock.
        var heardAt: UInt64 = 0
        /// The log's end when it last pulled from 0.
        var snapshot: Cursor?
        /// Whether the server has it in its memory, and not from a file that may lag behind.
        var isSure = true
        /// Whether the device was silent for the stale time since it last pulled from 0.
        var wasSilent = false
        /// Whether tombstones that the device had not come to yet were dropped since.
        var isSnapshotVoid = false
    }

    private var places: [DeviceID: Place] = [:]

    subscript(deviceID: DeviceID) -> Place? { places[deviceID] }

    /// A device has asked something, and is to be answered.
    mutating func hears(
        _ deviceID: DeviceID, _ pull: PullRequest?, head: Cursor, at now: UInt64,
        _ rules: RetentionModel
    ) {
        var place = places[deviceID] ?? Place(heardAt: now)
        if !isActive(place, rules) { place.wasSilent = true }
        place.heardAt = now
        if let pull {
            place.cursor = pull.sinceCursor
            place.isSure = true
            if pull.sinceCursor == .start {
                (place.snapshot, place.wasSilent, place.isSnapshotVoid) = (head, false, false)
            }
        }
        places[deviceID] = place
    }

    /// The server may have noted what a device asked, or not.
    mutating func mayHear(_ deviceID: DeviceID) { places[deviceID]?.isSure = false }

    /// The server died: its file may lag behind what it knew.
    mutating func serverDied() {
        for deviceID in places.keys { places[deviceID]?.isSure = false }
    }

    /// The server has dropped tombstones.
    mutating func drop(upTo cursor: Cursor) {
        for (deviceID, place) in places where place.cursor < cursor {
            places[deviceID]?.isSnapshotVoid = true
        }
    }

    /// A device that is active and has not come to a cursor; `nil` if there is none.
    func firstActive(before cursor: Cursor, _ rules: RetentionModel) -> DeviceID? {
        places.filter { $0.value.isSure && $0.value.cursor < cursor && isActive($0.value, rules) }
            .keys.min()
    }

    private func isActive(_ place: Place, _ rules: RetentionModel) -> Bool {
        rules.latestWall < rules.stale || place.heardAt >= rules.latestWall - rules.stale
    }
}
