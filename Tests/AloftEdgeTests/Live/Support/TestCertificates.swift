import AloftModel

@testable import AloftEdge

/// Self-signed certificates of the tests, each for one name, valid for a hundred years.
enum TestCertificates {
    static let first = EdgeCertificate(
        hosts: [HostPattern(name: "a.example", isWildcard: false)],
        certificateChainPEM: Array(
            """
            -----BEGIN CERTIFICATE-----
            MIIBljCCATugAwIBAgIUQQldxjEGAPaYfmzUICtwT/we35wwCgYIKoZIzj0EAwIw
            FDESMBAGA1UEAwwJYS5leGFtcGxlMCAXDTI2MTEyMDIzNDM1N1oYDzIxMjYxMDI3
            MjM0MzU3WjAUMRIwEAYDVQQDDAlhLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO
            PQMBBwNCAARchR3OlHv81+3qoSdFJ1Ovm5DEuepDDZ/R044GbOXRLbQTKGvZwkXD
            2nH28BMfmkLmj5YLwgUMx8KD2JV6UYSso2kwZzAdBgNVHQ4EFgQU9DrePzhbwRzN
            heHMXhahkH8N5aYwHwYDVR0jBBgwFoAU9DrePzhbwRzNheHMXhahkH8N5aYwDwYD
            VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglhLmV4YW1wbGUwCgYIKoZIzj0EAwID
            SQAwRgIhANiAceZa+d7nE0qhSkiraWkR90OSedS9qKexgtqZo/5oAiEA6BIcQ22h
            M5lysXGs9Zai6gv1LLQ0eVQcBOz1coej1vA=
            -----END CERTIFICATE-----

            """.utf8),
        privateKeyPEM: Array(
            """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgu9e1ji0J7ASFLQSO
            NmLJmTSQaTIOEtCIJ4sI2Za0p9GhRANCAARchR3OlHv81+3qoSdFJ1Ovm5DEuepD
            DZ/R044GbOXRLbQTKGvZwkXD2nH28BMfmkLmj5YLwgUMx8KD2JV6UYSs
            -----END PRIVATE KEY-----

            """.utf8))

    static let other = EdgeCertificate(
        hosts: [HostPattern(name: "other.example", isWildcard: false)],
        certificateChainPEM: Array(
            """
            -----BEGIN CERTIFICATE-----
            MIIBojCCAUegAwIBAgIUFYTwst7W2G1Hl0Oy4OnSoay0WDEwCgYIKoZIzj0EAwIw
            GDEWMBQGA1UEAwwNb3RoZXIuZXhhbXBsZTAgFw0yNjExMjAyMzQzNTdaGA8yMTI2
            MTAyNzIzNDM1N1owGDEWMBQGA1UEAwwNb3RoZXIuZXhhbXBsZTBZMBMGByqGSM49
            AgEGCCqGSM49AwEHA0IABKg0UuHR0TH0QsLoARZ0uicpTDoSl12i8w5BiQYdXARr
            eqrs83Xwid6aV8nFjnF3Y3lY2/mul2CChKqOL90ElWmjbTBrMB0GA1UdDgQWBBR5
            fQag69vAX74xGqCS3glp/POVeTAfBgNVHSMEGDAWgBR5fQag69vAX74xGqCS3glp
            /POVeTAPBgNVHRMBAf8EBTADAQH/MBgGA1UdEQQRMA+CDW90aGVyLmV4YW1wbGUw
            CgYIKoZIzj0EAwIDSQAwRgIhANTqlYolnsYd17EATfoyBFjHJRO+IrI5EMwlxmwv
            m32sAiEA+lhha5DK00XnWKdvFEadb2YHeFKFf1Pd+QS6tsqs+/8=
            -----END CERTIFICATE-----

            """.utf8),
        privateKeyPEM: Array(
            """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWtSe7BG0GQHUUYzO
            8cW2IsUxaNLQ0w4xF3FjyBRfxEWhRANCAASoNFLh0dEx9ELC6AEWdLonKUw6Epdd
            ovMOQYkGHVwEa3qq7PN18InemlfJxY5xd2N5WNv5rpdggoSqji/dBJVp
            -----END PRIVATE KEY-----

            """.utf8))

    static let wild = EdgeCertificate(
        hosts: [HostPattern(name: "wild.example", isWildcard: true)],
        certificateChainPEM: Array(
            """
            -----BEGIN CERTIFICATE-----
            MIIBpDCCAUqgAwIBAgIUMdRbQd7OPL/Eq8eyvEEB8+BjQAEwCgYIKoZIzj0EAwIw
            GTEXMBUGA1UEAwwOKi53aWxkLmV4YW1wbGUwIBcNMjYxMTIwMjM0MzU3WhgPMjEy
            NjEwMjcyMzQzNTdaMBkxFzAVBgNVBAMMDioud2lsZC5leGFtcGxlMFkwEwYHKoZI
            zj0CAQYIKoZIzj0DAQcDQgAELNA/TCzA+p4t0PCmUvHY1+H41F9U9hfK+Ixwvgmt
            UbAIaMq6rF1Pa0egWPwFfSVPqp14yk53zpzkx8CVefB+UKNuMGwwHQYDVR0OBBYE
            FBMdKBLZcbg5meq6ygOB/VTPlW6MMB8GA1UdIwQYMBaAFBMdKBLZcbg5meq6ygOB
            /VTPlW6MMA8GA1UdEwEB/wQFMAMBAf8wGQYDVR0RBBIwEIIOKi53aWxkLmV4YW1w
            bGUwCgYIKoZIzj0EAwIDSAAwRQIhAL/y/Vw87hXuYK2wCL1lwEXZDDC39B7xI37h
            dgqD262lAiAynBSQJFDrwwb8d79AB7ZfPkDgCTvw4lmkkWDizwUmTw==
            -----END CERTIFICATE-----

            """.utf8),
        privateKeyPEM: Array(
            """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOZWTzt5gsVpKpFDb
            i1sYOKR2S2V2ab93cRBqtmqK97uhRANCAAQs0D9MLMD6ni3Q8KZS8djX4fjUX1T2
            F8r4jHC+Ca1RsAhoyrqsXU9rR6BY/AV9JU+qnXjKTnfOnOTHwJV58H5Q
            -----END PRIVATE KEY-----

            """.utf8))
}
