#if canImport(Glibc)
    import Glibc
#endif

/// What /proc says of this process, as read; the parts that could be understood become families.
struct ProcessSample {
    /// /proc/self/stat: the fields of proc_pid_stat(5).
    var stat = ""
    /// /proc/self/limits.
    var limits = ""
    /// /proc/stat, for the boot time.
    var system = ""
    var openFileDescriptors: Int?
    var ticksPerSecond = 100
    var pageSize = 4096

    var families: [MetricFamily] {
        // The program's name stands in parentheses and may itself hold spaces and parentheses; count from the last one.
        let fields = stat.lastIndex(of: ")").map { stat[$0...].dropFirst().split(separator: " ") } ?? []
        func field(_ number: Int) -> Double? { fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil }
        var families: [MetricFamily] = []
        func add(_ name: String, _ help: String, _ unit: String, counter: Bool = false, _ value: Double?) {
            guard let value else { return }
            var family = MetricFamily(name, help: help, kind: counter ? .counter : .gauge, unit: unit)
            family.add(.real(value))
            families.append(family)
        }
        let ticks = Double(ticksPerSecond)
        if let user = field(14), let kernel = field(15) {
            add(
                "process_cpu_seconds", "User and system processor time.", "seconds", counter: true,
                (user + kernel) / ticks)
        }
        add("process_resident_memory_bytes", "Memory in use.", "bytes", field(24).map { $0 * Double(pageSize) })
        add("process_virtual_memory_bytes", "Address space in use.", "bytes", field(23))
        add("process_threads", "Threads.", "", field(20))
        if let started = field(22), let boot = bootTime {
            add("process_start_time_seconds", "Start, since 1970.", "seconds", boot + started / ticks)
        }
        add("process_open_fds", "Open file descriptors.", "", openFileDescriptors.map(Double.init))
        add("process_max_fds", "Most file descriptors that may be open.", "", openFileLimit)
        return families
    }

    private var bootTime: Double? {
        system.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
    }

    /// The soft limit; `unlimited` is infinity.
    private var openFileLimit: Double? {
        guard let line = limits.split(separator: "\n").first(where: { $0.hasPrefix("Max open files") }) else {
            return nil
        }
        let words = line.split(separator: " ")
        guard words.count > 3 else { return nil }
        return words[3] == "unlimited" ? .infinity : Double(words[3])
    }
}

#if canImport(Glibc)
    extension ProcessSample {
        static func read() -> ProcessSample {
            ProcessSample(
                stat: text("/proc/self/stat"), limits: text("/proc/self/limits"), system: text("/proc/stat"),
                openFileDescriptors: entries("/proc/self/fd"), ticksPerSecond: Int(sysconf(Int32(_SC_CLK_TCK))),
                pageSize: Int(sysconf(Int32(_SC_PAGESIZE))))
        }

        /// At most 256 KiB; empty where it cannot be read.
        private static func text(_ path: String) -> String {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return "" }
            defer { close(descriptor) }
            var bytes: [UInt8] = []
            var block = [UInt8](repeating: 0, count: 16 << 10)
            while bytes.count < 256 << 10 {
                let count = Glibc.read(descriptor, &block, block.count)
                guard count > 0 else { break }
                bytes.append(contentsOf: block[..<count])
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        /// Entries of a folder of descriptors, without the one that reading it takes.
        private static func entries(_ path: String) -> Int? {
            guard let folder = opendir(path) else { return nil }
            defer { closedir(folder) }
            var count = 0
            while let entry = readdir(folder) {
                if entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
            }
            return count - 1
        }
    }
#else
    extension ProcessSample {
        /// No /proc on this system.
        static func read() -> ProcessSample { ProcessSample() }
    }
#endif
