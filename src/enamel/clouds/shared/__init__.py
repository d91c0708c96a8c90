"""What the processes of one deployment share about clouds: hints, which nothing depends on."""
