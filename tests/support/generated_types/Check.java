// Parses files by types that quicktype made, and prints what those types write again.
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import records.CascadeAlert;
import records.Converter;

public class Check {
    public static void main(String[] arguments) throws Exception {
        for (String argument : arguments) {
            String[] parts = argument.split("=", 2);
            Class<?> type = Class.forName("records." + parts[0]);
            Method read = Converter.class.getMethod(parts[0] + "FromJsonString", String.class);
            Method write = Converter.class.getMethod(parts[0] + "ToJsonString", type);
            Object record = read.invoke(null, Files.readString(Path.of(parts[1])));
            System.out.println(write.invoke(null, record));
        }
    }

    // What a program does with them, checked by the compiler.
    static String headline(CascadeAlert alert) {
        long next = alert.getTimestampMS() + 1;
        return alert.getType() + alert.getAsset() + alert.getTotalValueUsd() + next;
    }
}
