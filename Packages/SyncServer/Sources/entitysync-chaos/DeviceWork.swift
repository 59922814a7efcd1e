// SPDX-License-Identifier: MIT

import SyncClient

/// A device at work: edits on and on, and syncs beside that, until it is cancelled.
struct DeviceWork {
    private let device: ChaosDevice
    private let name: String
    private let seed: UInt64
    /// Whether the engine goes on by itself, or is asked for one sync after the other.
    private let isStarted: Bool

    init(_ device: ChaosDevice, name: String, seed: UInt64, isStarted: Bool) {
        (self.device, self.name, self.seed, self.isStarted) = (device, name, seed, isStarted)
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await edit() }
            group.addTask { if isStarted { await follow() } else { await syncAgainAndAgain() } }
        }
        if let (_, engine) = try? await device.open() { await engine.stop() }
    }

    private func edit() async {
        var workload = Workload(device: name, seed: seed)
        while !Task.isCancelled {
            do {
                try await device.edit(&workload)
                if let pair = try await device.tornPair() { DeviceCommand.say("torn \(pair)") }
            } catch let error as StoreError where error.code == .outOfSpace {
                // The same call works once there is room.
                DeviceCommand.say("refused \(oneLine(error))")
            } catch {
                DeviceCommand.say("refused \(oneLine(error))")
                await device.reopen()
            }
            try? await Task.sleep(for: .milliseconds(workload.nextPauseMilliseconds()))
        }
    }

    private func syncAgainAndAgain() async {
        while !Task.isCancelled {
            do {
                DeviceCommand.say("+")
                _ = try await device.sync()
                DeviceCommand.say("-")
            } catch {
                DeviceCommand.say("! \(oneLine(error))")
                if isAboutDisk(error) { await device.reopen() }
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Starts the engine, and tells what it does, until it has to be opened again.
    private func follow() async {
        while !Task.isCancelled {
            if let (_, engine) = try? await device.open() {
                await engine.start()
                await tell(engine)
                await device.reopen()
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Returns when the engine's files have failed, or this task is cancelled.
    private func tell(_ engine: SyncEngine) async {
        var isSyncing = false
        for await state in engine.states {
            switch state {
            case .connecting, .pulling, .pushing:
                if !isSyncing { DeviceCommand.say("+") }
                isSyncing = true
            case .synced, .idle:
                if isSyncing { DeviceCommand.say("-") }
                isSyncing = false
            case .error(let error):
                DeviceCommand.say(isSyncing ? "! \(oneLine(error))" : "+\n! \(oneLine(error))")
                isSyncing = false
                if isAboutDisk(error) { return }
            }
        }
    }
}
