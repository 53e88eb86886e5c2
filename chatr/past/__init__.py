"""Work on the log's past: replay, views of earlier moments, audit, transfer to other stores, snapshots, checkpoints."""
