-- Why an alert is not what a detector says that never lost anything.
ALTER TABLE cascades
    ADD COLUMN IF NOT EXISTS caveat Nullable(String) COMMENT 'log_replaced, state_lost, detector_changed: ended early; rebuilt: its state was lost and rebuilt' AFTER explanation;
