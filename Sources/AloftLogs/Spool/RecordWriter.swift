import AloftModel

/// Makes JSON records of one output of one replica.
struct RecordWriter: Sendable {
    /// `","service":"web","replica":"web-1","stream":"stdout",`: the same in each record.
    private let middle: [UInt8]

    init(replica: ReplicaID, output: LogQuery.Output) {
        var middle: [UInt8] = []
        for (name, value) in [("service", replica.service), ("replica", replica.name), ("stream", output.rawValue)] {
            middle += Array(",\"\(name)\":".utf8)
            JSONText.append(value.utf8, to: &middle)
        }
        self.middle = middle + [UInt8(ascii: ",")]
    }

    /// Appends one line of output as a record.
    ///
    /// A line that is a JSON object is put under `json` as it is, any other under `line`.
    ///
    /// - Parameter isPartial: the line goes on in the next record.
    func append(_ line: ArraySlice<UInt8>, isPartial: Bool, at time: Timestamp, to output: inout [UInt8]) {
        begin(time, &output)
        output += middle
        if isPartial { output += Array("\"partial\":true,".utf8) }
        if !isPartial, let object = Self.object(line) {
            output += Array("\"json\":".utf8)
            output += object
        } else {
            output += Array("\"line\":".utf8)
            JSONText.append(line, to: &output)
        }
        output += Array("}\n".utf8)
    }

    /// Appends a record that says how much of the output was given up.
    func appendDropped(_ bytes: Int, at time: Timestamp, to output: inout [UInt8]) {
        begin(time, &output)
        output += middle
        output += Array("\"dropped\":\(bytes),\"line\":\"aloft: \(bytes) bytes of output were given up here: ".utf8)
        output += Array("they came faster than they could be kept\"}\n".utf8)
    }

    /// A record that says how many records a stream has lost.
    static func loss(of records: UInt64, at time: Timestamp) -> [UInt8] {
        Array(
            (#"{"time":"\#(time)","level":"warning","dropped":\#(records),"#
                + #""message":"aloft: \#(records) records were lost here: they could not be written in time"}"# + "\n")
                .utf8)
    }

    private func begin(_ time: Timestamp, _ output: inout [UInt8]) {
        output += Array("{\"time\":\"".utf8)
        output += Array(time.description.utf8)
        output.append(UInt8(ascii: "\""))
    }

    private static func object(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let first = line.first(where: { $0 != 0x20 && $0 != 0x09 }), first == UInt8(ascii: "{"),
            JSONGrammar.isObject(line), String(validating: line, as: UTF8.self) != nil
        else { return nil }
        return line
    }
}
